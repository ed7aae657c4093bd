/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/worker/flow_move.h"

#include <errno.h>
#include <string.h>

#include "engine/worker/control.h"
#include "engine/worker/worker.h"

static bool is_same_key(const struct srtp_stream *s, const struct media_key *key)
{
	return !s || srtp_stream_has_key(s, key);
}

/* With other keys than it has the indexes would be of another keystream: control has not heard yet of a handshake. */
static int move_may_leave(const struct flow *f, const struct flow_spec *spec)
{
	if ((f->transport & TRANSPORT_SHARED) && addr_eq(&f->local[CHANNEL_RTP], &spec->local_rtp))
		return -ENOTSUP; /* it is the worker's own */
	if (f->dtls->state == DTLS_HANDSHAKING)
		return -EBUSY;
	if (!is_same_key(f->srtp_in, &spec->key_in) || !is_same_key(f->srtp_out, &spec->key_out))
		return -EINVAL;
	return 0;
}

static void pack_consent(struct worker *w, const struct flow *f, struct flow_parcel *p)
{
	if (!(f->transport & TRANSPORT_ICE))
		return;
	for (enum channel c = CHANNEL_RTP; c < CHANNELS; c++)
		p->consent_ns[c] = ice_consent_ns(&worker_transport(w, f)->ice, c);
}

static void unpack_consent(struct worker *w, struct flow *f, const struct flow_parcel *p)
{
	if (!(f->transport & TRANSPORT_ICE))
		return;
	for (enum channel c = CHANNEL_RTP; c < CHANNELS; c++)
		ice_consent_keep(&worker_transport(w, f)->ice, c, p->consent_ns[c]);
}

static void pack(const struct flow *f, struct flow_parcel *p)
{
	p->spec.resume = flow_resume_read(f);
	if (f->transport & TRANSPORT_SHARED) /* checks to the other port will say where it is */
		p->spec.resume.source_rtp = p->spec.resume.source_rtcp = (struct addr){ 0 };
	p->source = f->source;
	p->source_before = f->source_before;
	p->sink = f->sink;
	p->received = f->received;
	p->sent = f->sent;
	p->jitter = f->jitter;
	p->count = f->count;
	p->count_ssrc = f->count_ssrc;
	p->lost_before = f->lost_before;
	p->events = f->events;
	p->event_ssrc = f->event_ssrc;
	p->event_clock_hz = f->event_clock_hz;
	p->event_relayed = f->event_relayed;
	p->stats = f->stats;
	p->detail = f->detail;
	p->reports = f->reports;
	p->trickle = f->trickle;
	p->digit_told_ns = f->digit_told_ns;
	p->noticed_ns = f->noticed_ns;
	p->sent_reported = f->sent_reported;
	memcpy(p->tap_lost, f->tap_lost, sizeof(p->tap_lost));
}

static int flow_leave(struct worker *w, struct flow *f, struct flow_parcel *p)
{
	int err = move_may_leave(f, &p->spec);

	if (!err && !(f->transport & TRANSPORT_NO_SOCKET))
		err = w->port->ops->sockets(w->port, f->id.slot, p->fd);
	if (err)
		return err;
	digits_stop(w, f);
	pack(f, p);
	pack_consent(w, f, p);
	p->transcoder = transcoder_pack(w, f);
	control_flow_end(w, f);
	return 0;
}

void flow_move_yield(struct worker *w, const struct media_command *c)
{
	struct media_event event = { .kind = MEDIA_FLOW_YIELDED, .id = c->id, .parcel = c->parcel };
	struct flow *f;

	worker_relay(w); /* what came before is not lost */
	f = flow_find(&w->flows, c->id);
	if (f) {
		event.call = f->call;
		overlay_drain(w, f);
	}
	event.error = f ? flow_leave(w, f, c->parcel) : -ENOENT;
	control_answer(w, &event);
}

void flow_move_arrive(struct worker *w, struct flow *f, struct flow_parcel *p)
{
	struct media_event event;
	uint8_t ice = f->stats.ice;

	f->source = p->source;
	f->source_before = p->source_before;
	f->sink = p->sink;
	f->received = p->received;
	f->sent = p->sent;
	f->jitter = p->jitter;
	f->count = p->count;
	f->count_ssrc = p->count_ssrc;
	f->lost_before = p->lost_before;
	f->events = p->events;
	f->event_ssrc = p->event_ssrc;
	f->event_clock_hz = p->event_clock_hz;
	f->event_relayed = p->event_relayed;
	f->stats = p->stats;
	f->stats.ice = ice;
	f->detail = p->detail;
	f->reports = p->reports;
	f->trickle = p->trickle;
	f->digit_told_ns = p->digit_told_ns;
	f->noticed_ns = p->noticed_ns;
	f->sent_reported = p->sent_reported;
	memcpy(f->tap_lost, p->tap_lost, sizeof(f->tap_lost));
	unpack_consent(w, f, p);
	transcoder_arrive(w, f, p->transcoder);
	p->transcoder = NULL;
	event = event_of(f, MEDIA_FLOW_MOVED);
	event.parcel = p;
	control_answer(w, &event);
}
