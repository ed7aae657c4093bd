/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that writes traces and sends copies. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/watch/watch_state.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "media/rtp/classify.h"
#include "sig/sip/redact.h"

enum {
	EVERY_MS = 10, /* rings are looked at so often while anything is watched */
	PACKETS_PER_ROUND = 8192,
	STEP_MS = 20, /* the wall clock was set, and did not just drift */
};

/* Of one order for the workers: bit for bit those of media/capture.h. */
static bool point_is_wanted(const struct trace *t, uint8_t point)
{
	return point & (t->decrypted ? CAPTURE_IN_PLAIN | CAPTURE_OUT_PLAIN
				     : CAPTURE_IN_WIRE | CAPTURE_OUT_WIRE);
}

static const char *packet_kind(const struct capture_packet *c)
{
	switch (datagram_classify(bytes_mem(c->octets, c->length))) {
	case DATAGRAM_STUN:
		return "STUN";
	case DATAGRAM_DTLS:
		return "DTLS";
	case DATAGRAM_UNKNOWN:
	case DATAGRAM_ZRTP:
	case DATAGRAM_TURN:
	case DATAGRAM_RTP:
	case DATAGRAM_RTCP:
		break;
	}
	return c->rtcp ? "RTCP" : "RTP";
}

static void trace_packet(struct trace *t, const struct capture_packet *c, uint64_t utc_ns)
{
	bool in = c->point & (CAPTURE_IN_WIRE | CAPTURE_IN_PLAIN);
	char comment[48];
	struct pcapng_packet p = { .utc_ns = utc_ns,
				   .from = &c->from,
				   .to = &c->to,
				   .payload = bytes_mem(c->octets, c->length),
				   .direction = in ? PCAPNG_INBOUND : PCAPNG_OUTBOUND,
				   .lost = c->lost,
				   .comment = comment };

	(void)snprintf(comment, sizeof(comment), "leg %u line %u %s", c->leg, c->line,
		       packet_kind(c));
	(void)trace_file_add(t, &p);
}

static void export_packet(struct watch *w, const struct capture_packet *c, uint64_t utc_ns)
{
	char id[BASE32_U64_LEN];
	struct hep_packet p = { .utc_ns = utc_ns,
				.from = &c->from,
				.to = &c->to,
				.transport = HEP_TRANSPORT_UDP,
				.type = HEP_RTCP,
				.correlation = bytes_mem(id, sizeof(id)),
				.payload = bytes_mem(c->octets, c->length) };

	base32_u64_put(id, c->call);
	hep_export_send(&w->hep, &p);
}

static void on_packet(const struct capture_packet *c, void *arg)
{
	struct watch *w = arg;
	uint64_t utc_ns = c->time_ns + w->utc_offset_ns;

	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		struct trace *t = &w->traces[i];

		if (t->begun && trace_call(t) == c->call && point_is_wanted(t, c->point))
			trace_packet(t, c, utc_ns);
	}
	if (c->rtcp && hep_export_is_on(&w->hep) &&
	    (c->point & (CAPTURE_IN_PLAIN | CAPTURE_OUT_PLAIN)))
		export_packet(w, c, utc_ns);
}

static void trace_message(struct trace *t, const struct watch_item *m)
{
	char comment[64];
	struct pcapng_packet p = { .utc_ns = m->utc_ns,
				   .from = &m->from,
				   .to = &m->to,
				   .payload = bytes_mem(m->octets, m->n),
				   .direction = m->sent ? PCAPNG_OUTBOUND : PCAPNG_INBOUND,
				   .comment = comment };

	(void)snprintf(comment, sizeof(comment), "%s%s", sip_transport_name(m->transport),
		       m->made ? ", made from the record of the call" : "");
	(void)trace_file_add(t, &p);
}

static void traces_message(struct watch *w, const struct watch_item *m, bool decrypted)
{
	for (size_t i = 0; i < WATCH_TRACES_MAX && m->call; i++) {
		struct trace *t = &w->traces[i];

		if (t->begun && trace_call(t) == m->call && t->decrypted == decrypted &&
		    (!m->past || m->decrypted == decrypted))
			trace_message(t, m);
	}
}

static void export_message(struct watch *w, const struct watch_item *m)
{
	char id[BASE32_U64_LEN];
	struct hep_packet p = { .utc_ns = m->utc_ns,
				.from = &m->from,
				.to = &m->to,
				.transport = m->transport == SIP_UDP ? HEP_TRANSPORT_UDP
								     : HEP_TRANSPORT_TCP,
				.type = HEP_SIP,
				.correlation = bytes_mem(id, m->call ? sizeof(id) : 0),
				.payload = bytes_mem(m->octets, m->n) };

	base32_u64_put(id, m->call);
	hep_export_send(&w->hep, &p);
}

/* Passwords' traces are for nobody; keys, and digits that may be PINs, for those who may see what is encrypted. */
static void message_take(struct watch *w, struct watch_item *m)
{
	redact_credentials(m->octets, m->n);
	traces_message(w, m, true);
	redact_keys(m->octets, m->n);
	redact_digits(m->octets, m->n);
	traces_message(w, m, false);
	if (!m->past && hep_export_is_on(&w->hep))
		export_message(w, m);
	atomic_fetch_sub_explicit(&w->message_octets, m->n, memory_order_relaxed);
	explicit_bzero(m->octets, m->n);
	free(m);
}

static void settings_take(struct watch *w)
{
	struct hep_settings *fresh =
		atomic_exchange_explicit(&w->fresh, NULL, memory_order_acq_rel);

	if (!fresh)
		return;
	hep_export_configure(&w->hep, fresh);
	explicit_bzero(fresh, sizeof(*fresh));
	free(fresh);
}

/* Of ms only is the wall clock asked for: it is followed where it was set, not where it trembles. */
static void clock_follow(struct watch *w, struct instant now)
{
	uint64_t offset = now.utc_ms * NS_PER_MS - now.ns;
	int64_t step = (int64_t)(offset - w->utc_offset_ns);

	if (step > STEP_MS * (int64_t)NS_PER_MS || step < -STEP_MS * (int64_t)NS_PER_MS)
		w->utc_offset_ns = offset;
}

static void traces_begin(struct watch *w)
{
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		struct trace *t = &w->traces[i];

		/* acquire: what control wrote about it */
		if (atomic_load_explicit(&t->state, memory_order_acquire) == TRACE_BEGUN &&
		    !t->begun)
			trace_file_begin(t);
	}
}

static void traces_flush(struct watch *w, const uint32_t stops[WATCH_TRACES_MAX],
			 struct instant now)
{
	uint64_t utc_ns = now.ns + w->utc_offset_ns;

	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		struct trace *t = &w->traces[i];

		if (t->begun && stops[i] != TRACE_RUNS)
			trace_file_end(t, (enum trace_end)stops[i], utc_ns);
		else if (t->begun)
			trace_file_flush(t, now.ns, utc_ns);
	}
}

static void watch_drain(struct watch *w)
{
	struct watch_item *m;

	while (ring_pop(&w->messages, &m, 1) == 1) {
		traces_begin(w); /* one that began meanwhile: this may be its first message */
		message_take(w, m);
	}
	(void)engine_captured(w->engine, PACKETS_PER_ROUND, on_packet, w);
}

/* What was asked before it looked at the rings has all its packets. */
static void work(struct watch *w)
{
	struct instant now = clock_instant();
	uint32_t stops[WATCH_TRACES_MAX];

	clock_follow(w, now);
	settings_take(w);
	traces_begin(w);
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++)
		stops[i] = w->traces[i].begun ? atomic_load(&w->traces[i].stop) : TRACE_RUNS;
	watch_drain(w);
	traces_flush(w, stops, now);
}

static bool is_busy(const struct watch *w)
{
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		if (w->traces[i].begun)
			return true;
	}
	return hep_export_is_on(&w->hep);
}

static void wait(struct watch *w)
{
	struct pollfd p = { .fd = w->wake_fd, .events = POLLIN };
	uint64_t count;

	if (poll(&p, 1, is_busy(w) ? EVERY_MS : -1) == 1)
		(void)!read(w->wake_fd, &count, sizeof(count));
}

void *watch_thread(void *arg)
{
	struct watch *w = arg;

	while (!atomic_load(&w->stopping)) {
		work(w);
		wait(w);
	}
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++)
		atomic_store(&w->traces[i].stop, TRACE_STOPPED);
	work(w);
	hep_export_close(&w->hep);
	return NULL;
}
