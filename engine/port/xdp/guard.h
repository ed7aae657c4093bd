/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/guard_step.h for programs in the kernel: the tables are maps, which engine/port/xdp_guard.c
 * creates and shares.
 */
#ifndef ENGINE_PORT_XDP_GUARD_H
#define ENGINE_PORT_XDP_GUARD_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define GUARD_INLINE static __always_inline
#include "base/guard_step.h"

/* All are made by the process and put in place of these; the numbers of entries are its own. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct guard_rules);
} tandem_rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct guard_set);
} tandem_known SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct guard_bucket);
} tandem_buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct guard_dropped);
} tandem_dropped SEC(".maps");

struct guard_at {
	int none;
};

GUARD_INLINE const struct guard_set *guard_set_at(const struct guard_at *at, unsigned index)
{
	__u32 key = index;

	(void)at;
	return bpf_map_lookup_elem(&tandem_known, &key);
}

GUARD_INLINE struct guard_bucket *guard_bucket_at(const struct guard_at *at, unsigned index)
{
	__u32 key = index;

	(void)at;
	return bpf_map_lookup_elem(&tandem_buckets, &key);
}

/* Not 0: it goes no further, and that is counted. */
GUARD_INLINE int guard_drops(const struct guard_source *from, unsigned port)
{
	__u32 zero = 0;
	const struct guard_rules *rules = bpf_map_lookup_elem(&tandem_rules, &zero);
	struct guard_dropped *dropped = bpf_map_lookup_elem(&tandem_dropped, &zero);
	int class;

	if (!rules || !dropped)
		return 0;
	class = guard_judge(0, rules, from, port, bpf_ktime_get_boot_ns());
	if (class < 0 || class >= GUARD_CLASS_COUNT)
		return 0;
	__sync_fetch_and_add(&dropped->by_class[class], 1);
	return 1;
}

#endif
