/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "sig/leg/flow.h"
#include "sig/record/call_read.h"

enum { SAID_CLOCK_MAX = 192000 };

static bool read_network(struct reading *r, struct call_flow *f, const char *name)
{
	const struct shard_settings *s = r->h->settings;

	for (uint32_t i = 0; i < s->network_count; i++) {
		f->network = (uint8_t)i;
		if (bytes_is(bytes_str(name), s->networks[i].name))
			return true;
	}
	f->network = 0;
	r->c->moved |= (uint16_t)BIT64(f->leg);
	return true;
}

static bool read_flow_said(struct reading *r, struct flow_said *out, const Tandem__Call__Resume *in)
{
	const struct instant *now = &r->h->now;
	uint64_t at_ms = reading_time(r, in->said_utc_ms);
	uint64_t ago_ms = at_ms < now->utc_ms ? now->utc_ms - at_ms : 0;

	if (in->said_units == 0)
		return true;
	if (in->said_units > UINT16_MAX || in->said_sequence > UINT16_MAX ||
	    in->said_clock_hz == 0 || in->said_clock_hz > SAID_CLOCK_MAX)
		return reading_wrong(r, "flow: what its party heard");
	if (ago_ms >= now->ns / NS_PER_MS) /* before this machine started */
		return true;
	*out = (struct flow_said){ .at_ns = now->ns - ago_ms * NS_PER_MS,
				   .timestamp = in->said_timestamp,
				   .clock_hz = in->said_clock_hz,
				   .sequence = (uint16_t)in->said_sequence,
				   .units = (uint16_t)in->said_units };
	return true;
}

static bool read_resume(struct reading *r, struct flow_resume *out, const Tandem__Call__Resume *in)
{
	if (!in)
		return true;
	if (in->sequence_offset > UINT16_MAX)
		return reading_wrong(r, "flow: sequence offset");
	out->source_ssrc = in->ssrc;
	out->timestamp_offset = in->timestamp_offset;
	out->sequence_offset = (uint16_t)in->sequence_offset;
	out->started = in->started ? 1 : 0;
	out->srtp_in = in->srtp;
	out->srtp_key = in->srtp_key;
	if (in->srtp >= SRTP_INDEX_END)
		return reading_wrong(r, "flow: SRTP index");
	return read_flow_said(r, &out->said, in) &&
	       reading_address(r, &out->source_rtp, in->rtp, "flow: latched address") &&
	       reading_address(r, &out->source_rtcp, in->rtcp, "flow: latched address");
}

/* What a restart may add to an index before it says so. */
enum { SRTP_HEADROOM = 1 << 16 };

static bool read_secret(struct reading *r, struct call_flow *f, const Tandem__Call__Secret *in,
			uint64_t incarnation)
{
	struct secret_record record;

	if (!in)
		return true;
	if ((in->key.len != SECRET_LEN && in->key.len != SECRET_LEN_BEFORE) || in->limit == 0 ||
	    in->limit >= SRTP_INDEX_END - SRTP_HEADROOM ||
	    in->limit_rtcp >= SRTCP_INDEX_END - SRTP_HEADROOM)
		return reading_wrong(r, "flow: SRTP key");
	record = (struct secret_record){ .key = reading_slice(&in->key),
					 .limit = in->limit,
					 .limit_rtcp = in->limit_rtcp,
					 .incarnation = incarnation };
	return !secret_restore(f, &record, r->h->incarnation) || reading_wrong(r, "out of memory");
}

static bool record_read_flow(struct reading *r, const Tandem__Call__Flow *in, uint64_t incarnation)
{
	struct call_flow *f = &r->c->flows[r->c->flow_count];

	if (in->leg >= LEGS_MAX || !call_leg(r->c, (uint8_t)in->leg) ||
	    in->line >= MEDIA_LINES_MAX || in->kind >= MEDIA_KINDS)
		return reading_wrong(r, "flow: place");
	if (in->port == 0 || in->port > UINT16_MAX || in->port % 2)
		return reading_wrong(r, "flow: port");
	for (uint32_t i = 0; i < r->c->flow_count; i++) {
		if (r->c->flows[i].leg == in->leg && r->c->flows[i].line == in->line)
			return reading_wrong(r, "flow: twice");
	}
	f->leg = (uint8_t)in->leg;
	f->line = (uint8_t)in->line;
	f->kind = (enum media_kind)in->kind;
	f->been = (uint8_t)(in->been & (OFFER_LINES_ALL | FLOW_BEEN_AUDIO));
	f->port = (uint16_t)in->port;
	f->ssrc_out = in->ssrc;
	f->event_pt = PAYLOAD_NONE;
	r->c->flow_count++;
	if (in->dtls)
		in->dtls->flight_until_utc_ms = reading_time(r, in->dtls->flight_until_utc_ms);
	if (in->dtls && (!in->secret || !flow_dtls_restore(f, in->dtls, r->h->now.utc_ms)))
		return reading_wrong(r, "flow: DTLS");
	return read_secret(r, f, in->secret, incarnation) && read_network(r, f, in->network) &&
	       read_resume(r, &f->resume, in->resume);
}

bool reading_flows(struct reading *r, const Tandem__Call__Call *in)
{
	if (in->n_flows > CALL_FLOWS_MAX)
		return reading_wrong(r, "flow: too many");
	r->c->flows = in->n_flows ? calloc(in->n_flows, sizeof(*r->c->flows)) : NULL;
	if (in->n_flows && !r->c->flows)
		return reading_wrong(r, "out of memory");
	for (size_t i = 0; i < in->n_flows; i++) {
		if (!record_read_flow(r, in->flows[i], in->incarnation))
			return false;
	}
	return true;
}
