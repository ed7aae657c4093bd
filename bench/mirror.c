/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire alone (mirror.bpf.c), on an interface, until a signal.
 *
 *   mirror INTERFACE
 */
#include "bench/mirror.h"

#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void need(int err, const char *what)
{
	if (err >= 0)
		return;
	(void)fprintf(stderr, "mirror: %s: %s\n", what, strerror(-err));
	exit(1);
}

int main(int argc, char **argv)
{
	struct bytes octets = mirror_object();
	unsigned int interface = argc == 2 ? if_nametoindex(argv[1]) : 0;
	struct bpf_object *object;
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);

	if (!interface) {
		(void)fprintf(stderr, "usage: mirror INTERFACE\n");
		return 1;
	}
	(void)libbpf_set_print(NULL);
	object = bpf_object__open_mem(octets.p, octets.n, NULL);
	need(object ? bpf_object__load(object) : -errno, "the program");
	need(bpf_link_create(bpf_program__fd(bpf_object__find_program_by_name(object, "mirror")),
			     (int)interface, BPF_XDP, &options),
	     argv[1]);
	(void)puts("ready");
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}
