#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bpftool writes the skeleton to its output only: skeleton.sh BPFTOOL OBJECT HEADER
"$1" gen skeleton "$2" name sonde_bpf > "$3"
