/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks the media worker for the live counters of a call's flows, and writes them as JSON for
 * call.show and call.doctor. A query collects the answers that arrive as media events, and ends at
 * its deadline with those that came, so a stuck worker delays one command alone. Values that the
 * worker has not given yet are null.
 */

#include <assert.h>
#include <string.h>

#include "app/command/queries.h"
#include "app/doctor/diagnosis.h"
#include "app/node/node.h"
#include "app/node/node_media.h"
#include "app/node/node_shard.h"
#include "app/schema/command.h"
#include "engine/engine.h"
#include "engine/net/packet.h"
#include "media/codec.h"
#include "media/quality.h"
#include "sig/leg/line_facts.h"

#define QUERY_LIMIT_NS (100 * NS_PER_MS)

/* A flow that could not be queried is marked answered, without an id. */
static void query_start(struct node *node, struct query *q, const struct call_view *view)
{
	for (uint32_t i = 0; i < view->flow_count && q->count < QUERY_FLOWS_MAX; i++) {
		struct media_command command = { .kind = MEDIA_FLOW_QUERY,
						 .id = view->flows[i].id };
		struct query_flow *flow = &q->flows[q->count++];

		command.rtp_fd = command.rtcp_fd = -1;
		/* commands that wait in our queue come first: the flow may not be open yet */
		if (node->media->queue.count == 0 &&
		    engine_command(node->media->engine, &command)) {
			flow->id = view->flows[i].id;
		} else {
			flow->answered = true;
		}
	}
}

bool call_query(struct node *node, const struct call_view *view, query_done_fn *done, void *arg)
{
	struct query *q = queries_open(node->api.queries);

	if (!q)
		return false;
	query_start(node, q, view);
	queries_start(node->api.queries, q, clock_now_ns() + QUERY_LIMIT_NS, done, arg);
	return true;
}

const struct query_flow *call_query_find(const struct query *q, struct flow_id id)
{
	for (uint32_t i = 0; i < q->count; i++) {
		if (flow_id_eq(q->flows[i].id, id) && q->flows[i].answered)
			return &q->flows[i];
	}
	return NULL;
}

static json_t *stats_json(const struct flow_stats *s)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "packets_in", (json_int_t)s->packets_in, "octets_in",
			 (json_int_t)s->octets_in, "packets_out", (json_int_t)s->packets_out,
			 "octets_out", (json_int_t)s->octets_out, "rtcp_in", (json_int_t)s->rtcp_in,
			 "rtcp_out", (json_int_t)s->rtcp_out, "dropped", (json_int_t)s->dropped,
			 "lost", (json_int_t)s->lost, "jitter_us", (json_int_t)s->jitter_us,
			 "digits", (json_int_t)s->digits, "source_changes",
			 (json_int_t)s->source_changes, "icmp_errors", (json_int_t)s->icmp_errors);
}

static json_t *drops_json(const struct flow_detail *d)
{
	json_t *drops = json_object();

	for (enum verdict v = VERDICT_RELAY + 1; v < VERDICT_COUNT; v++) {
		if (d->drops[v])
			(void)json_object_set_new(drops, verdict_name(v),
						  json_integer((json_int_t)d->drops[v]));
	}
	return drops;
}

static json_t *mark_json(const struct quality *q, uint32_t lost, uint32_t jitter_us)
{
	json_t *mark =
		json_pack("{s:I, s:f, s:f, s:n, s:n}", "lost", (json_int_t)lost, "loss_percent",
			  q->loss_hundredths / 100.0, "jitter_ms", jitter_us / 1000.0, "mos", "r");

	if (mark && q->mos_hundredths) {
		(void)json_object_set_new(mark, "mos", json_real(q->mos_hundredths / 100.0));
		(void)json_object_set_new(mark, "r", json_real(q->r_tenths / 10.0));
	}
	return mark;
}

static json_t *quality_json(const struct query_flow *live, const struct quality_codec *codec)
{
	const struct flow_stats *s = &live->stats;
	struct quality received = quality_received(s, codec);
	struct quality reported = quality_reported(s, &live->detail, codec);
	json_t *in = mark_json(&received, s->lost, s->jitter_us);
	json_t *out = live->detail.reported_ns
			      ? mark_json(&reported, s->remote_lost, s->remote_jitter_us)
			      : json_null();

	/* heard and told are their names up to this version. */
	return json_pack("{s:o, s:o, s:o, s:O, s:O}", "received", in, "reported", out, "rtt_ms",
			 s->rtt_us ? json_real(s->rtt_us / 1000.0) : json_null(), "heard", in,
			 "told", out);
}

static const char *ice_name(enum media_ice_state state)
{
	switch (state) {
	case ICE_OFF:
		return "off";
	case ICE_CHECKING:
		return "checking";
	case ICE_CONNECTED:
		return "connected";
	case ICE_LOST:
		return "lost";
	}
	return "";
}

static const char *dtls_name(enum media_dtls_state state)
{
	switch (state) {
	case DTLS_OFF:
		return "off";
	case DTLS_WAITING:
		return "waiting";
	case DTLS_HANDSHAKING:
		return "handshaking";
	case DTLS_CONNECTED:
		return "connected";
	case DTLS_FAILED:
		return "failed";
	}
	return "";
}

/* What is null until the worker has said it. */
static void add_live(json_t *flow, const struct query_flow *live, const struct line_facts *facts)
{
	const struct line_codec *codec = line_codec_find(facts, live->detail.payload_type);

	(void)json_object_set_new(flow, "latched", command_addr_json(&live->resume.source_rtp));
	(void)json_object_set_new(flow, "ice",
				  json_string(ice_name((enum media_ice_state)live->stats.ice)));
	(void)json_object_set_new(flow, "dtls",
				  json_string(dtls_name((enum media_dtls_state)live->stats.dtls)));
	(void)json_object_set_new(flow, "stats", stats_json(&live->stats));
	(void)json_object_set_new(flow, "drops", drops_json(&live->detail));
	if (live->detail.payload_type != PAYLOAD_NONE)
		(void)json_object_set_new(flow, "payload_type",
					  json_integer(live->detail.payload_type));
	if (codec)
		(void)json_object_set_new(flow, "codec", json_string(codec->name));
	(void)json_object_set_new(
		flow, "quality",
		quality_json(live, codec ? quality_codec_find(bytes_str(codec->name)) : NULL));
}

json_t *call_flow_ended_json(const struct diagnosis_flow *f)
{
	const struct query_flow last = { .stats = f->now.stats, .detail = f->now.detail };
	const struct line_codec *codec = line_codec_find(&f->facts, last.detail.payload_type);

	return json_pack(
		"{s:s, s:i, s:s, s:o, s:o, s:s*, s:o, s:o, s:o}", "leg", f->leg ? "b" : "a", "line",
		f->line, "kind", media_kind_name(f->kind), "signalled",
		command_addr_json(&f->facts.address), "latched", command_addr_json(&f->latched),
		"codec", codec ? codec->name : NULL, "stats", stats_json(&last.stats), "drops",
		drops_json(&last.detail), "quality",
		quality_json(&last, codec ? quality_codec_find(bytes_str(codec->name)) : NULL));
}

/* The codec in which the other party gets it. */
static json_t *transcoded_to_json(uint8_t transcoded_to)
{
	return transcoded_to
		       ? json_string(media_codec_facts((enum media_codec)(transcoded_to - 1))->name)
		       : json_null();
}

json_t *call_flow_json(const struct node *node, const struct call_view *view, uint32_t flow,
		       const struct query *q)
{
	const struct query_flow *live = call_query_find(q, view->flows[flow].id);
	struct line_facts facts = { 0 };
	struct addr contact;
	json_t *json;

	(void)shard_call_line(node_core(node, view->call), view->call, view->flows[flow].leg,
			      view->flows[flow].line, &facts, &contact);
	json = json_pack("{s:s, s:i, s:s, s:s*, s:o, s:o, s:o, s:o, s:s, s:n, s:n, s:o, s:I, s:n, "
			 "s:n, s:n, s:n, s:n}",
			 "leg", view->flows[flow].leg ? "b" : "a", "line", view->flows[flow].line,
			 "kind", media_kind_name(view->flows[flow].kind), "proto",
			 facts.proto[0] ? facts.proto : NULL, "local",
			 command_addr_json(&view->flows[flow].local), "remote",
			 command_addr_json(&view->flows[flow].remote), "signalled",
			 command_addr_json(&facts.address), "latched",
			 command_addr_json(&view->flows[flow].resume.source_rtp), "srtp",
			 facts.suite[0] ? facts.suite
			 : facts.secure ? "dtls"
					: "plain",
			 "payload_type", "codec", "transcoded_to",
			 transcoded_to_json(view->flows[flow].transcoded_to), "ssrc_out",
			 (json_int_t)view->flows[flow].ssrc_out, "ice", "dtls", "stats", "drops",
			 "quality");
	if (json && live)
		add_live(json, live, &facts);
	return json;
}

struct query *queries_open(struct queries *x)
{
	for (size_t i = 0; i < QUERIES_MAX; i++) {
		struct query *q = &x->list[i];

		if (q->used)
			continue;
		*q = (struct query){ .used = true, .of = x };
		x->used++;
		return q;
	}
	return NULL;
}

static bool is_complete(const struct query *q)
{
	for (uint32_t i = 0; i < q->count; i++) {
		if (!q->flows[i].answered)
			return false;
	}
	return true;
}

/* done may take the next one. */
static void query_finish(struct queries *x, struct query *q)
{
	struct query ended = *q;

	ticket_end(&q->late);
	q->used = false;
	x->used--;
	ended.done(&ended, ended.arg);
}

static void query_late(struct ticket *t)
{
	struct query *q = CONTAINER_OF(t, struct query, late);

	query_finish(q->of, q);
}

void queries_start(struct queries *x, struct query *q, uint64_t deadline_ns, query_done_fn *done,
		   void *arg)
{
	assert(q->used && q->count <= QUERY_FLOWS_MAX);
	q->done = done;
	q->arg = arg;
	if (is_complete(q))
		query_finish(x, q);
	else
		ticket_wait(x->tickets, &q->late, deadline_ns, query_late);
}

static bool note(struct query *q, const struct media_event *event)
{
	bool any = false;

	for (uint32_t i = 0; i < q->count; i++) {
		struct query_flow *flow = &q->flows[i];

		if (flow->answered || flow->id.slot != event->id.slot ||
		    flow->id.generation != event->id.generation)
			continue;
		flow->answered = any = true;
		flow->stats = event->stats;
		flow->detail = event->detail;
		flow->resume = event->resume;
	}
	return any;
}

void queries_event(struct queries *x, const struct media_event *event)
{
	if (event->kind != MEDIA_FLOW_STATS && event->kind != MEDIA_FLOW_CLOSED)
		return;
	for (size_t i = 0; x->used && i < QUERIES_MAX; i++) {
		struct query *q = &x->list[i];

		if (q->used && q->done && note(q, event) && is_complete(q))
			query_finish(x, q);
	}
}
