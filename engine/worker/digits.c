/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends DTMF digits to a party: as telephone-events (RFC 4733 2.5) under the flow's own stream, or
 * as tones (ITU-T Q.23) in a codec it takes, in packets of 20 ms with silence behind each digit.
 * Commands of control (INFO of the peer, applications, dialled digits) queue here. The peer's audio
 * is withheld while a digit is sent, so that the stream has one meaning at a time; SSRC, sequence
 * numbers and timestamps continue.
 */

#include <stdlib.h>

#include "base/clock.h"
#include "dsp/codec/encoder.h"
#include "dsp/dtmf.h"
#include "engine/worker/digits.h"
#include "engine/worker/originate.h"
#include "engine/worker/source.h"
#include "engine/worker/worker.h"
#include "media/codec.h"

struct encoder;
struct flow;
struct worker;

enum { DIGIT_TONE_PACKET_MS = 20 };

struct digit_tone {
	struct encoder *encoder;
	struct media_accepted codec; /* the codec of the tones */
	struct codec_format format;
	struct tone tone; /* of the present digit */
};

void digit_tone_close(struct digit_tone *k); /* NULL is fine */
struct digit_tone_at {
	uint32_t packet;    /* of the digit, counted from 0 */
	uint32_t timestamp; /* of the first one */
	bool unrecorded;    /* for no recorder */
};

enum {
	OCTETS_MAX = 1280,
	SAMPLES_MAX = 48 * DIGIT_TONE_PACKET_MS,
	OPUS_BIT_RATE = 24000, /* at 8 kHz: more than enough for two sines */
	OPUS_COMPLEXITY = 5,
};

/* By the clock of what is sent now; where nothing is, the first. */
static const struct media_accepted *digit_tone_codec(const struct flow *f)
{
	if (f->kind != MEDIA_AUDIO) /* of video it is something else */
		return NULL;
	for (uint8_t i = 0; i < f->accepted_count; i++) {
		const struct media_accepted *t = &f->accepted[i];

		if (!f->sink.started || f->sink.clock_hz == 0 ||
		    f->sink.clock_hz == media_codec_facts(t->codec)->clock_hz)
			return t;
	}
	return f->accepted_count ? &f->accepted[0] : NULL;
}

/* L16 has the rate of its clock; for others that is the codec's own. */
static bool rate_is_clock(uint8_t codec)
{
	return codec == MEDIA_CODEC_L16 || codec == MEDIA_CODEC_L16_WIDE;
}

void digit_tone_close(struct digit_tone *k)
{
	if (!k)
		return;
	encoder_close(k->encoder);
	free(k);
}

/* In the codec that the party is sent now. NULL: no codec that we speak, or no memory.
 * Allocates. */
static struct digit_tone *digit_tone_open(const struct flow *f)
{
	const struct media_accepted *t = digit_tone_codec(f);
	struct digit_tone *k = t ? calloc(1, sizeof(*k)) : NULL;
	struct encoder_settings s = { .packet_ms = DIGIT_TONE_PACKET_MS };

	if (!k)
		return NULL;
	s.codec = media_codec_facts(t->codec)->name;
	if (rate_is_clock(t->codec))
		s.rate = media_codec_facts(t->codec)->clock_hz;
	if (t->codec == MEDIA_CODEC_OPUS) {
		s.rate = DTMF_RATE;
		s.bit_rate = OPUS_BIT_RATE;
		s.complexity = OPUS_COMPLEXITY;
	}
	k->codec = *t;
	if (encoder_open(&k->encoder, &s)) {
		free(k);
		return NULL;
	}
	k->format = encoder_format(k->encoder);
	if (k->format.samples > SAMPLES_MAX) {
		digit_tone_close(k);
		return NULL;
	}
	return k;
}

/* The party still takes its codec, under that number. */
static bool digit_tone_fits(const struct digit_tone *k, const struct flow *f)
{
	for (uint8_t i = 0; i < f->accepted_count; i++) {
		if (f->accepted[i].codec == k->codec.codec &&
		    f->accepted[i].payload_type == k->codec.payload_type)
			return true;
	}
	return false;
}

/* Starts a digit. False: it has no tone. */
static bool digit_tone_start(struct digit_tone *k, char digit, uint16_t on_ms, uint16_t off_ms)
{
	return dtmf_tone(digit, on_ms, off_ms, DTMF_LEVEL, &k->tone);
}

/* Its next packet. False: it could not be sent. */
static bool digit_tone_send(struct worker *w, struct flow *f, struct digit_tone *k,
			    const struct digit_tone_at *at)
{
	uint32_t units = k->format.clock / 1000 * DIGIT_TONE_PACKET_MS;
	struct made_rtp rtp = { .payload_type = k->codec.payload_type,
				.marker = at->packet == 0,
				.unrecorded = at->unrecorded,
				.timestamp = at->timestamp + at->packet * units,
				.clock_hz = k->format.clock };
	int16_t pcm[SAMPLES_MAX];
	uint8_t octets[OCTETS_MAX];
	int length;

	tone_render(&k->tone, k->format.rate, (uint64_t)at->packet * k->format.samples, pcm,
		    k->format.samples);
	length = encoder_frame(k->encoder, pcm, k->format.samples, octets, sizeof(octets));
	if (length <= 0)
		return false;
	rtp.payload = bytes_mem(octets, (size_t)length);
	return originate_rtp(w, f, &rtp);
}

enum { END_PACKETS = 3, VOLUME = 10 /* -dBm0 */, TONES_LAST = 15 /* flash has none */ };

static_assert((int)DIGIT_PACKET_MS == (int)DIGIT_TONE_PACKET_MS, "of either kind");

static void digits_refuse(struct worker *w, enum digit_refusal why, uint32_t count)
{
	metric_add(w->metrics->digits_refused[why], count);
}

/* Opens the tone generator, anew if the party takes another codec now. */
static bool tone_is_open(struct flow *f)
{
	struct digits *d = f->digits;

	if (d->tone && (d->count > 0 || f->making & MAKING_DIGIT))
		return true;
	digit_tone_close(d->tone);
	d->tone = digit_tone_open(f);
	return d->tone;
}

/* Whether digits may be sent to the party now. */
static bool digits_are_open(struct worker *w, struct flow *f)
{
	if (f->event_pt == PAYLOAD_NONE && !tone_is_open(f))
		digits_refuse(w, DIGIT_NO_PAYLOAD_TYPE, 1);
	else if (!f->send)
		digits_refuse(w, DIGIT_NOT_SENDING, 1);
	else if (!flow_rtp_to(f))
		digits_refuse(w, DIGIT_NO_DESTINATION, 1);
	else
		return true;
	return false;
}

void digits_put(struct worker *w, struct flow *f, char digit, uint16_t duration_ms)
{
	struct digits *d = f->digits;
	struct digit next = { .duration_ms = duration_ms };

	if (telephone_event_code(digit, &next.event) ||
	    (f->event_pt == PAYLOAD_NONE && next.event > TONES_LAST)) {
		digits_refuse(w, DIGIT_UNKNOWN, 1);
		return;
	}
	if (!digits_are_open(w, f))
		return;
	if (d->count == DIGITS_MAX) {
		digits_refuse(w, DIGIT_QUEUE_FULL, 1);
		return;
	}
	d->tones = f->event_pt == PAYLOAD_NONE; /* what waits is of the same kind: digits_update */
	d->list[(d->head + d->count++) % DIGITS_MAX] = next;
	if (wheel_is_running(&d->timer))
		return;
	d->timer.owner = f->id.slot;
	d->timer.kind = TIMER_DIGIT;
	wheel_start(&w->wheel, &d->timer, d->free_ns > w->now_ns ? d->free_ns : w->now_ns);
}

void digits_stop(struct worker *w, struct flow *f)
{
	struct digits *d = f->digits;

	digits_refuse(w, DIGIT_FLOW_CHANGED, d->count + (f->making & MAKING_DIGIT ? 1 : 0));
	wheel_stop(&w->wheel, &d->timer);
	if (d->count || d->unrecorded)
		d->count = d->unrecorded = 0;
	f->making &= (uint8_t)~MAKING_DIGIT;
}

void digits_drop_queued(struct flow *f)
{
	f->digits->unrecorded = (uint8_t)(f->digits->count + (f->making & MAKING_DIGIT ? 1 : 0));
}

void digits_close(struct worker *w, struct flow *f)
{
	digits_stop(w, f);
	if (!f->digits->tone)
		return;
	digit_tone_close(f->digits->tone);
	f->digits->tone = NULL;
}

void digits_update(struct worker *w, struct flow *f)
{
	const struct digits *d = f->digits;
	bool tones = f->event_pt == PAYLOAD_NONE;

	if (!f->send || d->tones != tones || (tones && !(d->tone && digit_tone_fits(d->tone, f))))
		digits_stop(w, f);
}

/* Without running out of the duration field: 1.3 s at 48 kHz. */
static uint16_t on_ms(const struct flow *f, uint16_t wanted_ms)
{
	uint32_t most_ms = UINT16_MAX * UINT32_C(1000) / f->event_send_hz;
	uint32_t ms = wanted_ms > DIGIT_ON_MS_MIN ? wanted_ms : DIGIT_ON_MS_MIN;

	most_ms = most_ms < DIGIT_ON_MS_MAX ? most_ms : DIGIT_ON_MS_MAX;
	return (uint16_t)(ms < most_ms ? ms : most_ms);
}

/* Behind all that was sent before, as a run of the peer's begins. */
static void digits_tone_start(struct worker *w, struct flow *f)
{
	struct digits *d = f->digits;
	uint32_t clock_hz = d->tone->format.clock;

	/* whole packets */
	d->on_ms = (uint16_t)((d->on_ms + DIGIT_PACKET_MS - 1) / DIGIT_PACKET_MS * DIGIT_PACKET_MS);
	(void)digit_tone_start(d->tone, telephone_event_digit(d->event), d->on_ms,
			       DIGIT_OFF_MS); /* has one: digits_put looked */
	originate_start(w, f, clock_hz);
	d->timestamp = sink_timestamp_anew(&f->sink, (enum media_kind)f->kind, clock_hz, w->now_ns);
}

static void digit_start(struct worker *w, struct flow *f)
{
	struct digits *d = f->digits;
	struct digit next = d->list[d->head];

	d->head = (uint8_t)((d->head + 1) % DIGITS_MAX);
	d->count--;
	d->event = next.event;
	d->on_ms = on_ms(f, next.duration_ms);
	d->started_ns = w->now_ns;
	d->sent = 0;
	f->making |= MAKING_DIGIT;
	if (d->tones) {
		digits_tone_start(w, f);
		return;
	}
	originate_start(w, f, f->event_send_hz);
	d->timestamp = sink_timestamp(&f->sink, w->now_ns);
	/* events are identified by their timestamps, so they must differ */
	if (d->timestamp == f->sink.timestamp)
		d->timestamp += DIGIT_PACKET_MS * f->event_send_hz / 1000;
}

/* Packets before the first with the end. */
static uint16_t middle_packets(const struct digits *d)
{
	return (uint16_t)((d->on_ms + DIGIT_PACKET_MS - 1) / DIGIT_PACKET_MS);
}

/* With the silence behind it. */
static uint16_t tone_packets(const struct digits *d)
{
	return (uint16_t)((d->on_ms + DIGIT_OFF_MS) / DIGIT_PACKET_MS);
}

static bool tone_packet_send(struct worker *w, struct flow *f)
{
	const struct digits *d = f->digits;

	return digit_tone_send(w, f, d->tone,
			       &(struct digit_tone_at){ .packet = d->sent,
							.timestamp = d->timestamp,
							.unrecorded = d->unrecorded > 0 });
}

static bool digit_packet_send(struct worker *w, struct flow *f)
{
	struct digits *d = f->digits;
	uint32_t ms = (d->sent + 1U) * DIGIT_PACKET_MS;
	uint8_t payload[TELEPHONE_EVENT_LEN];
	if (d->tones)
		return tone_packet_send(w, f);

	struct telephone_event event = { .event = d->event,
					 .end = d->sent >= middle_packets(d),
					 .volume = VOLUME };

	ms = ms < d->on_ms ? ms : d->on_ms;
	event.duration = (uint16_t)((uint64_t)ms * f->event_send_hz / 1000);
	telephone_event_write(payload, &event);
	return originate_rtp(w, f,
			     &(struct made_rtp){ .payload_type = f->event_pt,
						 .marker = d->sent == 0,
						 .unrecorded = d->unrecorded > 0,
						 .timestamp = d->timestamp,
						 .payload = bytes_mem(payload, sizeof(payload)) });
}

static void digit_end(struct worker *w, struct flow *f)
{
	struct digits *d = f->digits;

	f->making &= (uint8_t)~MAKING_DIGIT;
	d->free_ns = d->started_ns + (uint64_t)(d->on_ms + DIGIT_OFF_MS) * NS_PER_MS;
	if (d->unrecorded > 0)
		d->unrecorded--;
	metric_add(w->metrics->digits_sent, 1);
	if (d->count > 0)
		wheel_start(&w->wheel, &d->timer, d->free_ns);
}

/* The peer's party sends an event itself: it comes first, as one must end before another begins. */
static bool is_event_relayed(const struct worker *w, const struct flow *f)
{
	const struct flow *feeder = flow_find(&w->flows, f->sink.feeder);

	return feeder && event_tracker_is_on(&feeder->events, w->now_ns);
}

void digits_expire(struct worker *w, struct flow *f)
{
	struct digits *d = f->digits;

	if (!(f->making & MAKING_DIGIT) && is_event_relayed(w, f)) {
		wheel_start(&w->wheel, &d->timer, w->now_ns + DIGIT_PACKET_MS * NS_PER_MS);
		return;
	}
	if (!(f->making & MAKING_DIGIT))
		digit_start(w, f);
	if (d->tones && d->sent == tone_packets(d)) { /* its silence is over */
		digit_end(w, f);
		return;
	}
	if (!digit_packet_send(w, f)) {
		digits_stop(w, f);
		return;
	}
	if (++d->sent == middle_packets(d) + END_PACKETS && !d->tones)
		digit_end(w, f);
	else
		wheel_start(&w->wheel, &d->timer,
			    d->started_ns + (uint64_t)d->sent * DIGIT_PACKET_MS * NS_PER_MS);
}
