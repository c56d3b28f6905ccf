#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
echo 1..3
echo "ok 1 this holds"
echo "# what was expected, what was found"
echo "not ok 2 this does not"
