/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/port/xdp_link.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <unistd.h>

/* What attaches in the mode that it is attached in. */
static uint32_t link_flags(uint8_t attach_mode)
{
	if (attach_mode == XDP_ATTACHED_SKB)
		return XDP_FLAGS_SKB_MODE;
	return attach_mode == XDP_ATTACHED_HW ? XDP_FLAGS_HW_MODE : XDP_FLAGS_DRV_MODE;
}

static int link_replace(int ifindex, int program, uint32_t flags, int *out)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int err = bpf_xdp_detach(ifindex, flags, NULL);

	if (err)
		return err;
	*out = bpf_link_create(program, ifindex, BPF_XDP, &opts);
	if (*out >= 0)
		return 0;
	err = *out;
	*out = -1;
	(void)bpf_xdp_attach(ifindex, program, flags, NULL);
	return err;
}

int xdp_link_take(uint32_t ifindex, int *out)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, found);
	int err = bpf_xdp_query((int)ifindex, 0, &found);
	int program;

	*out = -1;
	if (err || found.prog_id == 0)
		return err;
	program = bpf_prog_get_fd_by_id(found.prog_id);
	if (program < 0)
		return program;
	err = link_replace((int)ifindex, program, link_flags(found.attach_mode), out);
	(void)close(program);
	return err;
}
