# The native part: eBPF programs compiled by clang, made into a C header by bpftool, and the addon that loads them.
{
  "variables": {
    "bpf_clang%": "<!(command -v clang-14 || command -v clang || echo clang)",
    "bpf_tool%": "<!(command -v bpftool || echo /usr/sbin/bpftool)",
    "triplet%": "<!(gcc -dumpmachine)",
    "bpf_arch%": "<!(uname -m | sed -e s/x86_64/x86/ -e s/aarch64/arm64/)",
  },
  "targets": [
    {
      "target_name": "bpf",
      "type": "none",
      "actions": [
        {
          "action_name": "compile",
          "inputs": ["native/bpf/sonde.bpf.c", "native/bpf/kernel.h", "native/bpf/wire.h", "native/events.gen.h"],
          "outputs": ["<(SHARED_INTERMEDIATE_DIR)/sonde.unlinked.o"],
          "action": ["<(bpf_clang)", "-g", "-O2", "-Wall", "-Werror", "-target", "bpf", "-D__TARGET_ARCH_<(bpf_arch)",
                     "-I/usr/include/<(triplet)", "-c", "native/bpf/sonde.bpf.c", "-o", "<@(_outputs)"],
        },
        {
          "action_name": "link",
          "inputs": ["<(SHARED_INTERMEDIATE_DIR)/sonde.unlinked.o"],
          "outputs": ["<(SHARED_INTERMEDIATE_DIR)/sonde.bpf.o"],
          "action": ["<(bpf_tool)", "gen", "object", "<@(_outputs)", "<@(_inputs)"],
        },
        {
          "action_name": "skeleton",
          "inputs": ["<(SHARED_INTERMEDIATE_DIR)/sonde.bpf.o"],
          "outputs": ["<(SHARED_INTERMEDIATE_DIR)/sonde.skel.h"],
          "action": ["sh", "native/bpf/skeleton.sh", "<(bpf_tool)", "<@(_inputs)", "<@(_outputs)"],
        },
      ],
    },
    {
      "target_name": "sonde",
      "dependencies": ["bpf"],
      "sources": ["native/addon/addon.cc", "native/capture/capture.c", "native/capture/render.c"],
      "include_dirs": ["<(SHARED_INTERMEDIATE_DIR)", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=9", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED"],
      "cflags": ["-Wall", "-Wextra", "-Wno-unused-parameter", "-O2"],
      "cflags_c": ["-std=gnu11"],
      "libraries": ["-lbpf", "-lelf", "-lz"],
    },
  ],
}
