#!/bin/bash
# Make ./configure in a fresh checkout.
# SPDX-License-Identifier: BSD-3-Clause
set -e
cd "$(dirname "$0")"
exec autoreconf -i "$@"
