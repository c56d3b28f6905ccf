#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# For longer than its time limit, in a process of its own.
echo 1..1
sleep 1000 &
wait
