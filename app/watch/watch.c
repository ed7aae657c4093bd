/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces and exports: the thread that writes them, and their control. node_watch.c gives it SIP
 * messages, the engine's taps media. Secrets are redacted before anything is written: credentials
 * always, keys and digits unless the trace may show decrypted media. Rings and files are bounded,
 * and a trace ends at its limits by itself.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "app/watch/watch.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/ring.h"
#include "engine/engine.h"
#include "media/capture.h"
#include "media/rtp/rtp_parse.h"
#include "sig/sip/id.h"
#include "sig/sip/redact.h"

enum {
	WATCH_MESSAGES = 1024,           /* on their way to the thread */
	WATCH_MESSAGES_OCTETS = 1 << 22, /* in all of them */
};

/* A copy of a SIP message; malloc'ed, the thread frees it. */
struct watch_item {
	uint64_t utc_ns;
	uint64_t call;
	struct addr from, to;
	bool sent;
	bool past; /* for traces alone, those that show decrypted media or those that do not */
	bool made; /* from the record of the call */
	bool decrypted;
	enum sip_transport transport;
	size_t n;
	uint8_t octets[];
};

struct watch {
	/* control's */
	struct trace_store store;
	struct watch_limits limits;
	struct engine *engine;
	struct shard_local locals[SHARD_LOCALS_MAX];
	uint32_t local_count;
	uint32_t running;              /* traces that are not free */
	uint32_t waiting;              /* ... and wait for a call */
	struct hep_settings hep_given; /* to the thread */
	bool hep_on;
	bool export_due;                    /* the workers were not told of hep_on yet */
	uint32_t watched;                   /* traces of calls that the workers copy, a bit each */
	uint64_t gone_ns[WATCH_TRACES_MAX]; /* since when there is no such call; 0: there is */
	uint64_t swept_ns;
	/* both */
	struct trace traces[WATCH_TRACES_MAX];
	struct ring messages; /* of struct watch_item *; control produces */
	_Atomic uint64_t message_octets;
	_Atomic(struct hep_settings *) fresh; /* malloc'ed: the thread takes it */
	_Atomic bool stopping;
	int wake_fd;
	pthread_t thread;
	bool started;
	/* the thread's */
	struct hep_export hep;
	uint64_t utc_offset_ns; /* wall clock less CLOCK_BOOTTIME */
};

/* The thread that writes traces and exports. */

enum {
	EVERY_MS = 10, /* rings are looked at so often while anything is watched */
	PACKETS_PER_ROUND = 8192,
	STEP_MS = 20, /* the wall clock was set, and did not just drift */
};

/* Bit for bit the order of media/capture.h for workers. */
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

/* Credentials are for no trace; keys, and digits that may be PINs, only for decrypted ones. */
static void watch_on_message(struct watch *w, struct watch_item *m)
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

static void watch_adopt_settings(struct watch *w)
{
	struct hep_settings *fresh =
		atomic_exchange_explicit(&w->fresh, NULL, memory_order_acq_rel);

	if (!fresh)
		return;
	hep_export_configure(&w->hep, fresh);
	explicit_bzero(fresh, sizeof(*fresh));
	free(fresh);
}

/* The wall clock is read at ms resolution: it is followed when it was set, not when it jitters. */
static void clock_follow(struct watch *w, struct instant now)
{
	uint64_t offset = now.utc_ms * NS_PER_MS - now.ns;
	int64_t step = (int64_t)(offset - w->utc_offset_ns);

	if (step > STEP_MS * (int64_t)NS_PER_MS || step < -STEP_MS * (int64_t)NS_PER_MS)
		w->utc_offset_ns = offset;
}

static void traces_start(struct watch *w)
{
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		struct trace *t = &w->traces[i];

		/* acquire: what control wrote about it */
		if (atomic_load_explicit(&t->state, memory_order_acquire) == TRACE_BEGUN &&
		    !t->begun)
			trace_file_start(t);
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
		traces_start(w); /* one that began meanwhile: this may be its first message */
		watch_on_message(w, m);
	}
	(void)engine_captured(w->engine, PACKETS_PER_ROUND, on_packet, w);
}

/* Orders made before the rings were read have all their packets. */
static void work(struct watch *w)
{
	struct instant now = clock_instant();
	uint32_t stops[WATCH_TRACES_MAX];

	clock_follow(w, now);
	watch_adopt_settings(w);
	traces_start(w);
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

static void *watch_thread(void *arg)
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

/* Traces as control sees them: begun, bounded, looked up, ended with their calls. */

#define SWEEP_NS  (60 * NS_PER_S)
#define WAIT_NS   (3600 * NS_PER_S) /* for a call */
#define LINGER_NS NS_PER_S          /* answers to the BYE, and retransmissions */

static metric_id g_running;

static void watch_trace_setup(void)
{
	g_running =
		metric_register(METRIC_GAUGE, "tandem_traces", NULL, "Traces of calls that run.");
}

static void trace_fill_view(const struct trace *t, struct trace_view *out)
{
	*out = (struct trace_view){ .name = t->name,
				    .user = t->user,
				    .call = trace_call(t),
				    .octets_max = t->octets_max,
				    .octets = atomic_load(&t->octets),
				    .packets = atomic_load(&t->packets),
				    .lost = atomic_load(&t->lost),
				    .seconds = t->seconds,
				    .decrypted = t->decrypted };
}

static struct trace *trace_find(const struct watch *w, uint64_t call)
{
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		const struct trace *t = &w->traces[i];

		if (atomic_load(&t->state) == TRACE_BEGUN && trace_call(t) == call)
			return (struct trace *)(uintptr_t)t;
	}
	return NULL;
}

/* A trace that waits for the same calls. */
static struct trace *trace_find_waiting(const struct watch *w, const struct trace_order *order)
{
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		const struct trace *t = &w->traces[i];

		if (atomic_load(&t->state) == TRACE_BEGUN && !trace_call(t) &&
		    t->side == order->side && !strcmp(t->user, order->user) &&
		    !strcmp(t->tenant, order->tenant))
			return (struct trace *)(uintptr_t)t;
	}
	return NULL;
}

static bool trace_is_same(const struct trace *t, const struct trace_order *order)
{
	return t->decrypted == order->decrypted && t->seconds == order->seconds &&
	       t->octets_max == order->octets;
}

/* Running traces count with their limits. */
static bool trace_has_room(const struct watch *w, uint64_t octets)
{
	static struct trace_entry list[TRACE_FILES_MAX];
	uint32_t n = trace_store_list(&w->store, list, TRACE_FILES_MAX);
	uint64_t used = octets;

	for (uint32_t i = 0; i < n; i++) {
		struct trace_view v;
		bool runs = watch_trace_by_name(w, bytes_str(list[i].name), &v);

		used += runs && v.octets_max > list[i].octets ? v.octets_max : list[i].octets;
	}
	return n < w->limits.files && used <= w->limits.quota;
}

static void trace_sweep(struct watch *w, struct instant now)
{
	static struct trace_entry list[TRACE_FILES_MAX];
	uint32_t n = trace_store_list(&w->store, list, TRACE_FILES_MAX);
	uint64_t keep_ms = w->limits.keep_ns / NS_PER_MS;
	struct trace_view v;

	w->swept_ns = now.ns;
	for (uint32_t i = 0; i < n; i++) {
		struct bytes name = bytes_str(list[i].name);

		if (list[i].changed_utc_ms + keep_ms > now.utc_ms ||
		    watch_trace_by_name(w, name, &v))
			continue;
		if (!trace_store_delete(&w->store, name))
			LOG_INFO("trace", list[i].call, "trace deleted: it is old",
				 LOG_STR("file", list[i].name));
	}
}

static int watch_trace_open(struct watch *w, struct trace *t, const struct trace_order *order,
			    struct instant now)
{
	int err;

	atomic_store_explicit(&t->call, order->call, memory_order_release);
	t->octets_max = order->octets;
	t->seconds = order->seconds;
	t->decrypted = order->decrypted;
	atomic_store_explicit(&t->end_ns,
			      now.ns + (order->call ? order->seconds * NS_PER_S : WAIT_NS),
			      memory_order_relaxed);
	t->side = order->side;
	memcpy(t->user, order->user, sizeof(t->user));
	memcpy(t->tenant, order->tenant, sizeof(t->tenant));
	trace_name_write(t->name, order->call ? order->call : id_call_none(order->shard),
			 now.utc_ms);
	atomic_store(&t->octets, 0);
	atomic_store(&t->packets, 0);
	atomic_store(&t->lost, 0);
	atomic_store(&t->stop, TRACE_RUNS);
	err = trace_file_open(t);
	if (err)
		return err;
	t->fd = trace_store_create(&w->store, t->name);
	if (t->fd < 0) {
		free(t->space.p);
		t->space = (struct writer){ 0 };
		return t->fd;
	}
	w->gone_ns[t - w->traces] = 0;
	w->running++;
	w->waiting += !order->call;
	/* release: the thread reads all of it */
	atomic_store_explicit(&t->state, TRACE_BEGUN, memory_order_release);
	return 0;
}

static void watch_wake(struct watch *w)
{
	uint64_t one = 1;

	(void)!write(w->wake_fd, &one, sizeof(one));
}

static bool order(struct watch *w, uint64_t call, enum capture_owner owner, unsigned points)
{
	const struct capture_order o = { .call = call,
					 .owner = (uint8_t)owner,
					 .points = (uint8_t)points };

	return engine_watch(w->engine, &o);
}

static void export_order(struct watch *w)
{
	unsigned points = CAPTURE_RTCP(CAPTURE_IN_PLAIN | CAPTURE_OUT_PLAIN);

	w->export_due = !order(w, 0, CAPTURE_EXPORT, w->hep_on ? points : 0);
}

static unsigned watch_points_of(const struct trace *t)
{
	return t->decrypted ? CAPTURE_IN_PLAIN | CAPTURE_OUT_PLAIN
			    : CAPTURE_IN_WIRE | CAPTURE_OUT_WIRE;
}

static void watched_turn(struct watch *w, uint32_t i, unsigned points)
{
	if (order(w, trace_call(&w->traces[i]), CAPTURE_TRACE, points))
		w->watched ^= UINT32_C(1) << i;
}

/* Ends come first: a new trace may be of the same call.
 * Orders without room are repeated with the next tick. */
static void watch_orders_settle(struct watch *w)
{
	uint32_t want = 0;

	if (w->export_due)
		export_order(w);
	for (uint32_t i = 0; i < WATCH_TRACES_MAX; i++) {
		if (atomic_load_explicit(&w->traces[i].state, memory_order_acquire) ==
			    TRACE_BEGUN &&
		    trace_call(&w->traces[i]))
			want |= UINT32_C(1) << i;
	}
	for (uint32_t i = 0; i < WATCH_TRACES_MAX; i++) {
		if ((w->watched & ~want) >> i & 1)
			watched_turn(w, i, 0);
	}
	for (uint32_t i = 0; i < WATCH_TRACES_MAX && !(w->watched & ~want); i++) {
		if ((want & ~w->watched) >> i & 1)
			watched_turn(w, i, watch_points_of(&w->traces[i]));
	}
}

int watch_trace_start(struct watch *w, const struct trace_order *order, struct instant now,
		      struct trace_view *out)
{
	struct trace *t = order->call ? trace_find(w, order->call) : trace_find_waiting(w, order),
		     *free_one = NULL;
	int err;

	if (order->decrypted && !w->limits.decrypted)
		return -EPERM;
	if (t && !trace_is_same(t, order))
		return -EALREADY;
	if (!t) {
		for (size_t i = 0; i < WATCH_TRACES_MAX && !free_one; i++) {
			if (atomic_load(&w->traces[i].state) == TRACE_FREE &&
			    !(w->watched >> i & 1))
				free_one = &w->traces[i];
		}
		trace_sweep(w, now);
		err = !free_one ? -EMFILE : !trace_has_room(w, order->octets) ? -EDQUOT : 0;
		if (!err)
			err = watch_trace_open(w, free_one, order, now);
		if (err)
			return err;
		t = free_one;
		LOG_INFO("trace", trace_call(t), "trace begins", LOG_STR("file", t->name),
			 LOG_STR("decrypted", t->decrypted ? "yes" : "no"));
		watch_orders_settle(w);
		watch_wake(w);
	}
	trace_fill_view(t, out);
	return 0;
}

bool watch_waits(const struct watch *w)
{
	return w->waiting > 0;
}

static bool trace_waits_for(const struct trace *t, const struct call_view *call)
{
	return atomic_load(&t->state) == TRACE_BEGUN && !trace_call(t) &&
	       !strcmp(t->user, t->side == TRACE_FROM ? call->from : call->to) &&
	       (!t->tenant[0] || !strcmp(t->tenant, call->tenant));
}

bool watch_catch(struct watch *w, const struct call_view *call, struct instant now,
		 struct trace_view *out)
{
	if (trace_find(w, call->call))
		return false; /* a call has one trace */
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		struct trace *t = &w->traces[i];

		if (!trace_waits_for(t, call))
			continue;
		w->waiting--;
		atomic_store_explicit(&t->end_ns, now.ns + t->seconds * NS_PER_S,
				      memory_order_relaxed);
		atomic_store_explicit(&t->call, call->call, memory_order_release);
		LOG_INFO("trace", call->call, "trace has its call", LOG_STR("file", t->name),
			 LOG_STR("user", t->user));
		watch_orders_settle(w);
		watch_wake(w);
		trace_fill_view(t, out);
		return true;
	}
	return false;
}

static struct trace *trace_find_name(const struct watch *w, struct bytes name)
{
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		const struct trace *t = &w->traces[i];

		if (atomic_load(&t->state) == TRACE_BEGUN && bytes_is(name, t->name))
			return (struct trace *)(uintptr_t)t;
	}
	return NULL;
}

/* Asks the thread to end it, once. */
static void watch_trace_end(struct watch *w, struct trace *t, enum trace_end why)
{
	if (atomic_load(&t->stop) == TRACE_RUNS)
		atomic_store(&t->stop, why);
	watch_wake(w);
}

int watch_trace_stop(struct watch *w, struct bytes name)
{
	struct trace *t = trace_find_name(w, name);

	if (!t)
		return -ENOENT;
	watch_trace_end(w, t, TRACE_STOPPED);
	return 0;
}

bool watch_trace_by_name(const struct watch *w, struct bytes name, struct trace_view *out)
{
	const struct trace *t = trace_find_name(w, name);

	if (t)
		trace_fill_view(t, out);
	return t != NULL;
}

bool watch_trace_by_call(const struct watch *w, uint64_t call, struct trace_view *out)
{
	const struct trace *t = trace_find(w, call);

	if (t)
		trace_fill_view(t, out);
	return t != NULL;
}

const struct trace_store *watch_trace_store(const struct watch *w)
{
	return &w->store;
}

/* Answers of a call that is gone may still be under way. */
static void calls_look(struct watch *w, watch_view_fn *view, void *arg, uint64_t now_ns)
{
	static struct call_view call;

	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		struct trace *t = &w->traces[i];

		if (atomic_load(&t->state) != TRACE_BEGUN || !trace_call(t))
			continue;
		if (view(trace_call(t), &call, arg))
			w->gone_ns[i] = 0;
		else if (!w->gone_ns[i])
			w->gone_ns[i] = now_ns;
		else if (now_ns - w->gone_ns[i] >= LINGER_NS)
			watch_trace_end(w, t, TRACE_CALL_ENDED);
	}
}

void watch_tick(struct watch *w, watch_view_fn *view, void *arg, struct instant now)
{
	calls_look(w, view, arg, now.ns);
	watch_orders_settle(w);
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		/* acquire: the thread has done with it */
		if (atomic_load_explicit(&w->traces[i].state, memory_order_acquire) != TRACE_ENDED)
			continue;
		w->waiting -= !trace_call(&w->traces[i]);
		atomic_store(&w->traces[i].state, TRACE_FREE);
		w->running--;
	}
	if (now.ns - w->swept_ns >= SWEEP_NS)
		trace_sweep(w, now);
	metric_set(g_running, w->running);
}

static struct {
	metric_id lost;
} g_watch_metrics;

void watch_setup(void)
{
	hep_export_setup();
	watch_trace_setup();
	g_watch_metrics.lost = metric_register(METRIC_COUNTER, "tandem_trace_lost_messages_total",
					       NULL, "SIP messages that traces have no copy of.");
}

static int watch_thread_start(struct watch *w)
{
	sigset_t all, before;
	int err;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&w->thread, NULL, watch_thread, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return err;
	(void)pthread_setname_np(w->thread, "watch");
	w->started = true;
	return 0;
}

int watch_open(struct watch **out, const struct watch_settings *settings)
{
	struct watch *w = aligned_alloc(64, (sizeof(*w) + 63) / 64 * 64);
	int err;

	if (!w)
		return -ENOMEM;
	memset(w, 0, sizeof(*w));
	w->hep.fd = w->messages.wake_fd = -1;
	w->engine = settings->engine;
	w->local_count = settings->local_count;
	memcpy(w->locals, settings->locals, settings->local_count * sizeof(*w->locals));
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = w->wake_fd < 0 ? -errno : trace_store_open(&w->store, settings->state_dir);
	if (!err)
		err = ring_open(&w->messages, sizeof(struct watch_item *), WATCH_MESSAGES);
	if (!err)
		err = watch_thread_start(w);
	if (err) {
		watch_close(w);
		return err;
	}
	watch_configure(w, &settings->limits, &settings->hep);
	*out = w;
	return 0;
}

void watch_close(struct watch *w)
{
	if (!w)
		return;
	if (w->started) {
		atomic_store(&w->stopping, true);
		watch_wake(w);
		(void)pthread_join(w->thread, NULL);
	}
	free(atomic_load(&w->fresh));
	ring_close(&w->messages);
	if (w->wake_fd >= 0)
		(void)close(w->wake_fd);
	explicit_bzero(&w->hep_given, sizeof(w->hep_given));
	free(w);
}

/* ---- settings ---- */

static bool hep_same(const struct watch *w, const struct hep_settings *a)
{
	const struct hep_settings *b = &w->hep_given;

	return addr_eq(&a->collector, &b->collector) && a->capture_id == b->capture_id &&
	       !strcmp(a->password, b->password);
}

static void hep_configure(struct watch *w, const struct hep_settings *hep)
{
	struct hep_settings *copy = hep_same(w, hep) ? NULL : malloc(sizeof(*copy)), *old;

	if (!copy)
		return;
	w->hep_given = *copy = *hep;
	old = atomic_exchange_explicit(&w->fresh, copy, memory_order_acq_rel);
	free(old);
	w->hep_on = hep->collector.family != ADDR_NONE;
	export_order(w);
	watch_wake(w);
}

void watch_configure(struct watch *w, const struct watch_limits *limits,
		     const struct hep_settings *hep)
{
	w->limits = *limits;
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		struct trace *t = &w->traces[i];

		if (atomic_load(&t->state) == TRACE_BEGUN && t->decrypted && !limits->decrypted)
			watch_trace_end(w, t, TRACE_STOPPED);
	}
	hep_configure(w, hep);
}

bool watch_wants(const struct watch *w)
{
	return w->hep_on || w->running > 0;
}

/* ---- messages ---- */

static bool is_traced(const struct watch *w, uint64_t call)
{
	for (size_t i = 0; i < WATCH_TRACES_MAX && call; i++) {
		if (atomic_load_explicit(&w->traces[i].state, memory_order_acquire) ==
			    TRACE_BEGUN &&
		    trace_call(&w->traces[i]) == call)
			return true;
	}
	return false;
}

struct addr watch_local(const struct watch *w, const struct sip_hop *hop)
{
	return hop->local < w->local_count ? w->locals[hop->local].bind
					   : (struct addr){ .family = hop->remote.family };
}

static struct watch_item *item_make(const struct watch *w, const struct sip_hop *hop, bool sent,
				    struct bytes message)
{
	struct watch_item *m = malloc(sizeof(*m) + message.n);
	struct addr local = watch_local(w, hop);

	if (!m)
		return NULL;
	m->past = m->made = m->decrypted = false;
	m->utc_ns = clock_utc_ms() * NS_PER_MS;
	m->from = sent ? local : hop->remote;
	m->to = sent ? hop->remote : local;
	m->sent = sent;
	m->transport = hop->transport;
	m->n = message.n;
	memcpy(m->octets, message.p, message.n);
	return m;
}

static bool item_push(struct watch *w, struct watch_item *m)
{
	uint64_t octets = atomic_load_explicit(&w->message_octets, memory_order_relaxed);
	size_t n = m->n;

	if (octets + n > WATCH_MESSAGES_OCTETS)
		return false;
	/* counted before it is the thread's, which would else subtract it too early */
	atomic_fetch_add_explicit(&w->message_octets, n, memory_order_relaxed);
	if (ring_push(&w->messages, &m))
		return true;
	atomic_fetch_sub_explicit(&w->message_octets, n, memory_order_relaxed);
	return false;
}

void watch_past(struct watch *w, const struct watch_past *p)
{
	struct watch_item *m = p->message.n ? item_make(w, &p->hop, p->sent, p->message) : NULL;

	if (!m)
		return;
	m->call = p->call;
	m->utc_ns = p->utc_ms * NS_PER_MS;
	m->past = true;
	m->made = p->made;
	m->decrypted = p->decrypted;
	if (item_push(w, m))
		return;
	free(m);
	metric_add(g_watch_metrics.lost, 1);
}

void watch_message(struct watch *w, const struct sip_hop *hop, bool sent, uint64_t call,
		   struct bytes message)
{
	bool traced = is_traced(w, call);
	struct watch_item *m;

	if (!message.n || (!traced && !w->hep_on))
		return;
	m = item_make(w, hop, sent, message);
	if (m)
		m->call = call;
	if (m && item_push(w, m))
		return;
	free(m);
	if (traced)
		metric_add(g_watch_metrics.lost, 1);
	if (w->hep_on)
		hep_export_lost(HEP_LOSS_QUEUE);
}
