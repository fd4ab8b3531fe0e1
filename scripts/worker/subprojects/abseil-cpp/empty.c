/* Stands for a library that mediasoup's meson.build links whole into `libmediasoup-worker`, a target that is never built here. */
typedef int nothing_to_compile;
