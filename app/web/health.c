/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The health of the node as a set of reasons, shared between threads by atomics; details have a
 * lock. The control thread and node_* files set reasons; /healthz, /readyz, call.doctor and the
 * service manager show them. The stall of the control thread is found by the reader, from the age
 * of its last beat, so even a hung node answers truly.
 */

#include "app/web/health.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"

#define STALLED_NS (5 * NS_PER_S)

static const struct {
	enum health_reason reason;
	const char *name;
} g_reasons[] = {
	{ HEALTH_STARTING, "starting" },
	{ HEALTH_STOPPING, "stopping" },
	{ HEALTH_STORE, "redis_away_or_late" },
	{ HEALTH_REDIS_DEAD, "own_redis_died" },
	{ HEALTH_STALLED, "control_thread_stalled" },
	{ HEALTH_DRAINING, "draining" },
	{ HEALTH_NO_CALLS, "limits_calls_reached" },
	{ HEALTH_NO_TRANSACTIONS, "limits_transactions_reached" },
	{ HEALTH_NO_PORTS, "no_media_ports_left" },
	{ HEALTH_NO_DESCRIPTORS, "no_descriptors_left" },
	{ HEALTH_DOCUMENTS, "documents_missing" },
	{ HEALTH_CALLS_ASIDE, "calls_set_aside" },
	{ HEALTH_SHARD_LOST, "shard_lost" },
	{ HEALTH_SHARD_SILENT, "shard_silent" },
	{ HEALTH_LEASE_UNKEPT, "lease_not_kept" },
	{ HEALTH_REDIS_OTHER, "another_redis" },
	{ HEALTH_RECORDINGS_DISK, "recordings_disk_failing" },
	{ HEALTH_RECORDINGS_FULL, "recordings_disk_full" },
	{ HEALTH_RECORDINGS_PLAIN, "recordings_not_encrypted" },
	{ HEALTH_RECORDINGS_UNCODED, "recordings_coded_late" },
	{ HEALTH_RECORDINGS_UNCOPIED, "recordings_not_copied" },
	{ HEALTH_RECORDINGS_FOLDER, "recordings_folder_not_writable" },
	{ HEALTH_REDIS_REFUSES, "redis_refuses_writes" },
	{ HEALTH_RELOAD, "reload_refused" },
	{ HEALTH_PROMPTS, "prompts_missing" },
	{ HEALTH_STATE_DIR, "state_dir_not_writable" },
	{ HEALTH_DOCUMENTS_FULL, "documents_full" },
	{ HEALTH_EMERGENCY, "emergency_calls_fail" },
	{ HEALTH_ARCHIVE, "archive_late" },
	{ HEALTH_MULTICAST, "no_multicast" },
};

/* Relaxed throughout: each value stands alone. */
void health_set(struct health *h, enum health_reason reason, bool on)
{
	if (on) {
		(void)atomic_fetch_or_explicit(&h->reasons, reason, memory_order_relaxed);
	} else {
		(void)atomic_fetch_and_explicit(&h->reasons, ~(uint32_t)reason,
						memory_order_relaxed);
	}
}

static void detail_put(struct health *h, enum health_reason reason, const char *detail)
{
	size_t at = 0;

	while (at < HEALTH_DETAILS && h->details[at].reason != reason)
		at++;
	for (size_t i = 0; at == HEALTH_DETAILS && i < HEALTH_DETAILS; i++)
		at = h->details[i].reason ? at : i;
	if (at == HEALTH_DETAILS)
		return;
	h->details[at].reason = detail[0] ? reason : 0;
	(void)snprintf(h->details[at].text, HEALTH_DETAIL_MAX, "%s", detail);
}

void health_set_reason(struct health *h, enum health_reason reason, const char *detail)
{
	(void)pthread_mutex_lock(&h->lock);
	detail_put(h, reason, detail ? detail : "");
	(void)pthread_mutex_unlock(&h->lock);
	health_set(h, reason, detail && detail[0]);
}

void health_beat(struct health *h, uint64_t now_ns)
{
	atomic_store_explicit(&h->beat_ns, now_ns, memory_order_relaxed);
}

uint32_t health_reasons(const struct health *h, uint64_t now_ns)
{
	uint32_t reasons = atomic_load_explicit(&h->reasons, memory_order_relaxed);
	uint64_t beat = atomic_load_explicit(&h->beat_ns, memory_order_relaxed);

	if (now_ns > beat && now_ns - beat > STALLED_NS)
		reasons |= HEALTH_STALLED;
	return reasons;
}

static const char *status_name(uint32_t reasons)
{
	if (!health_is_well(reasons))
		return "degraded";
	return reasons & HEALTH_BUSY ? "busy" : "ok";
}

static const char *health_name(enum health_reason reason)
{
	size_t i = 0;

	while (g_reasons[i].reason != reason)
		i++;
	return g_reasons[i].name;
}

static void details_write(struct writer *w, struct health *h, uint32_t reasons)
{
	const char *before = ",\"details\":{", *end = "";

	(void)pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < HEALTH_DETAILS; i++) {
		if (!(reasons & h->details[i].reason))
			continue;
		writer_fmt(w, "%s\"%s\":", before, health_name(h->details[i].reason));
		json_write_text(w, bytes_str(h->details[i].text));
		before = ",";
		end = "}";
	}
	(void)pthread_mutex_unlock(&h->lock);
	writer_str(w, end);
}

void health_write(struct writer *w, struct health *h, uint32_t reasons)
{
	const char *comma = "";

	writer_fmt(w, "{\"status\":\"%s\",\"reasons\":[", status_name(reasons));
	for (size_t i = 0; i < COUNT_OF(g_reasons); i++) {
		if (!(reasons & g_reasons[i].reason))
			continue;
		writer_fmt(w, "%s\"%s\"", comma, g_reasons[i].name);
		comma = ",";
	}
	writer_str(w, "]");
	details_write(w, h, reasons);
	writer_str(w, "}\n");
}

bool health_is_well(uint32_t reasons)
{
	return !(reasons & ~(uint32_t)(HEALTH_BUSY | HEALTH_CALLS_ASIDE | HEALTH_SHARD_LOST |
				       HEALTH_RECORDINGS_UNCODED | HEALTH_RECORDINGS_UNCOPIED |
				       HEALTH_PROMPTS | HEALTH_EMERGENCY | HEALTH_ARCHIVE |
				       HEALTH_MULTICAST));
}

bool health_is_ready(uint32_t reasons)
{
	return !(reasons & (HEALTH_STARTING | HEALTH_STOPPING | HEALTH_STALLED | HEALTH_BUSY));
}
