/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audio between an application and a party without a peer, in both directions (media/feed.h).
 * Frames leave in real time. If no frame is there in time the party gets nothing, and the next one
 * has a marker. Frames that come too fast wait on the application's side. Nothing is allocated per
 * packet, and nothing waits for the application.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dsp/codec/encoder.h"
#include "engine/worker/worker.h"
#include "media/feed.h"

enum {
	FEED_LATE_MS = 100, /* time that is later is passed over; frames are not */
	FEED_PACKET_MAX = 1280,
};

struct feed {
	struct media_feed *link; /* not ours to free */
	struct encoder *encoder;
	uint64_t due_ns; /* of the next frame; valid while a flow listens */
	uint32_t clock_hz, units, timestamp;
	uint32_t samples; /* of a frame */
	uint8_t codec;    /* enum media_codec */
	uint8_t effort;   /* of encoding, in packets sent: worker.h */
	uint8_t marker;   /* the frame comes behind a gap */
	uint16_t length;
	uint8_t octets[FEED_PACKET_MAX]; /* the present frame */
};

/* ---- open, close ---- */

static int feed_encoder(struct feed *f, const struct media_feed_terms *terms)
{
	const struct encoder_settings settings = {
		.codec = media_codec_facts(terms->codec)->name,
		.packet_ms = FEED_FRAME_MS,
		.rate = terms->rate_hz,
		.voice = true,
	};
	struct codec_format format;
	int err = encoder_open(&f->encoder, &settings);

	if (err)
		return err;
	format = encoder_format(f->encoder);
	f->samples = format.samples;
	if (format.rate == terms->rate_hz && f->samples <= FEED_SAMPLES_MAX)
		return 0;
	encoder_close(f->encoder);
	return -EINVAL;
}

static int feed_set(struct feed *f, const struct media_feed_terms *terms)
{
	uint32_t packets;
	int err;

	if (!terms->feed || terms->codec >= MEDIA_CODECS || terms->rate_hz == 0)
		return -EINVAL;
	err = feed_encoder(f, terms);
	if (err)
		return err;
	packets = encoder_cost_ns(f->encoder) / TURN_PACKET_NS;
	f->effort = (uint8_t)(packets < 1 ? 1 : packets < TURN_SLICE ? packets : TURN_SLICE);
	f->link = terms->feed;
	f->codec = (uint8_t)terms->codec;
	f->clock_hz = media_codec_facts(terms->codec)->clock_hz;
	f->units = f->clock_hz * FEED_FRAME_MS / 1000;
	return 0;
}

static int feed_open(struct job *j, const struct media_work *work)
{
	struct feed *f = calloc(1, sizeof(*f));
	int err = f ? feed_set(f, &work->feed) : -ENOMEM;

	if (err)
		free(f);
	else
		j->work = f;
	return err;
}

static struct media_sound *feed_close(struct job *j)
{
	struct feed *f = j->work;

	encoder_close(f->encoder);
	free(f);
	return NULL;
}

/* ---- its time ---- */

/* Each job at a ms of its own, as far as there are any. */
static void feed_wake(struct worker *w, struct job *j)
{
	const uint64_t frame_ns = FEED_FRAME_MS * NS_PER_MS;
	struct feed *f = j->work;
	uint64_t phase_ns = j->id.slot % FEED_FRAME_MS * NS_PER_MS;

	f->due_ns = w->now_ns + frame_ns - 1 - phase_ns;
	f->due_ns = f->due_ns - f->due_ns % frame_ns + phase_ns;
	f->marker = 1;
	wheel_start(&w->wheel, &j->timer, f->due_ns);
}

static bool feed_is_due(const struct job *j, uint64_t now_ns)
{
	const struct feed *f = j->work;

	return j->first && now_ns >= f->due_ns;
}

static uint32_t feed_effort(const struct job *j, uint64_t now_ns)
{
	const struct feed *f = j->work;

	if (j->next)
		return 1;
	return feed_is_due(j, now_ns) ? f->effort : 0;
}

/* Silence until now: the application's frames wait. */
static void feed_late_skip(struct worker *w, struct feed *f)
{
	uint64_t late_ns = w->now_ns - f->due_ns, n;

	if (late_ns < FEED_LATE_MS * NS_PER_MS)
		return;
	n = late_ns / (FEED_FRAME_MS * NS_PER_MS);
	f->due_ns += n * FEED_FRAME_MS * NS_PER_MS;
	f->timestamp += (uint32_t)n * f->units;
	f->marker = 1;
	metric_add(w->metrics->frames_late, n);
}

/* ---- the application's frames ---- */

static void feed_gap_note(struct feed *f)
{
	if (!f->marker)
		atomic_fetch_add_explicit(&f->link->gaps, 1, memory_order_relaxed);
	f->marker = 1;
}

static void feed_frame_make(struct worker *w, struct job *j)
{
	struct feed *f = j->work;
	const struct feed_frame *frame = media_feed_frame(f->link);
	int n;

	if (!frame) {
		feed_gap_note(f);
		return;
	}
	n = encoder_frame(f->encoder, frame->pcm, f->samples, f->octets, sizeof(f->octets));
	media_feed_frame_release(f->link);
	f->length = n > 0 ? (uint16_t)n : 0;
	j->next = n > 0 ? j->first : 0;
	atomic_fetch_add_explicit(&f->link->frames_sent_report, 1, memory_order_relaxed);
	metric_add(n > 0 ? w->metrics->frames_encoded : w->metrics->frames_failed, 1);
}

static void feed_frame_turn(struct worker *w, struct job *j)
{
	struct feed *f = j->work;

	feed_late_skip(w, f);
	f->timestamp += f->units;
	f->due_ns += FEED_FRAME_MS * NS_PER_MS;
	feed_frame_make(w, j);
	wheel_start(&w->wheel, &j->timer, f->due_ns);
}

static uint32_t feed_turn(struct worker *w, struct job *j, uint32_t most)
{
	struct feed *f = j->work;
	uint32_t done = 0, played = 0;
	struct job_frame frame;

	if (!j->next && feed_is_due(j, w->now_ns)) {
		feed_frame_turn(w, j);
		done = f->effort;
	}
	frame = (struct job_frame){ .payload = bytes_mem(f->octets, f->length),
				    .clock_hz = f->clock_hz,
				    .units = f->units,
				    .timestamp = f->timestamp,
				    .payload_type = PAYLOAD_NONE,
				    .marker = f->marker };
	for (; j->next && done < most; done++) {
		struct flow *flow = &w->flows.list[j->next - 1];

		j->next = flow->listener.next;
		played += listener_send(w, flow, &frame);
	}
	if (played && !j->next)
		f->marker = 0;
	metric_add(w->metrics->frames_played, played);
	return done < most ? done : most;
}

/* ---- the party's packets ---- */

/* Mostly the codec that it is sent, too. MEDIA_CODECS: not spoken here. */
static enum media_codec feed_codec(const struct feed *f, const struct pkt *p)
{
	const struct payload_rule *rule = flow_rule(p->flow, p->payload_type);

	assert(rule); /* or the stages had dropped it */
	if (rule->out == p->flow->listener.payload_type)
		return (enum media_codec)f->codec;
	for (enum media_codec c = 0; c < MEDIA_CODECS; c++) {
		uint8_t number = media_codec_facts(c)->number;

		if (number < 96 && number == p->payload_type)
			return c;
	}
	return MEDIA_CODECS;
}

static enum verdict feed_receive(struct worker *w, struct job *j, const struct pkt *p)
{
	struct feed *f = j->work;
	enum media_codec codec = feed_codec(f, p);
	struct feed_out *said;

	if (codec == MEDIA_CODECS)
		return VERDICT_PAYLOAD_TYPE;
	if (p->payload_length > FEED_OCTETS_MAX)
		return VERDICT_JOB_FULL;
	said = media_feed_out_reserve(f->link);
	if (!said)
		return VERDICT_JOB_FULL;
	said->at_ns = w->batch.now_ns;
	said->ssrc = p->ssrc;
	said->timestamp = p->timestamp;
	said->sequence = p->sequence;
	said->payload_type = p->payload_type;
	said->marker = p->marker;
	said->codec = (uint8_t)codec;
	said->length = p->payload_length;
	memcpy(said->octets, p->data + p->payload_at, p->payload_length);
	media_feed_out_publish(f->link);
	return VERDICT_ALONE;
}

/* It keeps time, and gets nowhere. */
static uint32_t feed_place(const struct job *j)
{
	(void)j;
	return 0;
}

const struct job_kind job_feed = {
	.open = feed_open,
	.close = feed_close,
	.wake = feed_wake,
	.effort = feed_effort,
	.turn = feed_turn,
	.place = feed_place,
	.receive = feed_receive,
};
