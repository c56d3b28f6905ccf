// SPDX-License-Identifier: GPL-2.0-only
// What tools/daemons/java.sh runs: sockets as Java has them.
import com.sun.net.httpserver.HttpServer;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.*;
import java.net.http.*;
import java.nio.ByteBuffer;
import java.nio.channels.*;
import java.nio.file.*;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.*;

public class Sockets {
	static final byte[] blob = new byte[2000000];

	static String sum(byte[] data) throws Exception {
		return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(data));
	}

	static void threads() throws Exception {
		ExecutorService pool = Executors.newCachedThreadPool();
		try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
			pool.submit(() -> {
				while (true) {
					Socket s = server.accept();
					pool.submit(() -> {
						s.getInputStream().transferTo(s.getOutputStream());
						s.close();
						return null;
					});
				}
			});
			for (int i = 0; i < 4; i++)
				try (Socket s = new Socket(server.getInetAddress(), server.getLocalPort())) {
					Future<byte[]> back = pool.submit(() -> s.getInputStream().readAllBytes());
					s.getOutputStream().write(blob);
					s.shutdownOutput();
					System.out.println("threads " + sum(back.get()));
				}
		}
		pool.shutdownNow();
	}

	// One thread, one selector, servers and clients in it.
	static void selector(SocketAddress address, ServerSocketChannel server) throws Exception {
		Selector selector = Selector.open();
		server.bind(address);
		server.configureBlocking(false);
		server.register(selector, SelectionKey.OP_ACCEPT);
		Thread client = new Thread(() -> {
			try {
				for (int i = 0; i < 4; i++)
					try (SocketChannel c = SocketChannel.open(server.getLocalAddress())) {
						ByteBuffer out = ByteBuffer.wrap(Arrays.copyOf(blob, 10000));
						ByteBuffer in = ByteBuffer.allocate(10000);
						while (out.hasRemaining())
							c.write(out);
						while (in.hasRemaining() && c.read(in) >= 0)
							;
						System.out.println("selector " + sum(in.array()));
					}
				selector.close();
			} catch (Exception e) {
				System.out.println(e);
			}
		});
		client.start();
		ByteBuffer buffer = ByteBuffer.allocate(3000);
		while (selector.isOpen()) {
			try {
				selector.select();
				for (SelectionKey key : selector.selectedKeys()) {
					if (key.isAcceptable()) {
						SocketChannel c = server.accept();
						c.configureBlocking(false);
						c.register(selector, SelectionKey.OP_READ);
						continue;
					}
					SocketChannel c = (SocketChannel) key.channel();
					buffer.clear();
					if (c.read(buffer) < 0) {
						c.close();
						continue;
					}
					buffer.flip();
					while (buffer.hasRemaining())
						c.write(buffer);
				}
				selector.selectedKeys().clear();
			} catch (ClosedSelectorException e) {
				break;
			}
		}
		client.join();
		server.close();
	}

	static void http() throws Exception {
		HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
		server.createContext("/", e -> {
			byte[] body = e.getRequestBody().readAllBytes();
			e.sendResponseHeaders(200, body.length);
			try (OutputStream o = e.getResponseBody()) {
				o.write(body);
			}
		});
		server.start();
		HttpClient client = HttpClient.newHttpClient();
		for (int i = 0; i < 5; i++) {
			HttpRequest request = HttpRequest.newBuilder(URI.create("http:/" + server.getAddress() + "/"))
				.POST(HttpRequest.BodyPublishers.ofByteArray(blob)).build();
			System.out.println("http " + sum(client.send(request, HttpResponse.BodyHandlers.ofByteArray()).body()));
		}
		server.stop(0);
	}

	public static void main(String[] args) throws Exception {
		for (int i = 0; i < blob.length; i++)
			blob[i] = (byte) (i * 31 >> 3);
		threads();
		selector(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), ServerSocketChannel.open());
		selector(UnixDomainSocketAddress.of("sock"), ServerSocketChannel.open(StandardProtocolFamily.UNIX));
		http();
		System.exit(0);
	}
}
