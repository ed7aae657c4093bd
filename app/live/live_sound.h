/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sound of one live stream: packets of a party become frames for an application, and its frames
 * become frames for the party. No socket, no clock: the live thread gives both. Bounded both ways;
 * what does not fit is counted, and reported.
 */
#ifndef APP_LIVE_LIVE_SOUND_H
#define APP_LIVE_LIVE_SOUND_H

#include "app/live/live_wire.h"
#include "base/bytes.h"
#include "media/feed.h"

/* Media of a live stream's party, sent or heard: packets as they come, and PCM in real time. */

struct decoder;
struct jitter;
struct plc;
struct resampler;

enum { LIVE_PCM = 8192 };

/* Samples that wait. */
struct live_pcm {
	uint32_t n;
	int16_t samples[LIVE_PCM];
};

struct live_packet {
	uint64_t at_ns;
	uint32_t ssrc, timestamp;
	uint16_t sequence;
	uint8_t payload_type, marker;
	uint8_t codec; /* enum media_codec */
	struct bytes payload;
};

struct live_party {
	uint32_t rate; /* of the application */
	int codec;     /* of jitter and decoder; -1: none yet */
	struct jitter *jitter;
	struct decoder *decoder;
	struct resampler *up;
	struct plc *plc; /* NULL: the decoder conceals losses itself, or does not */
	uint32_t decoder_rate, clock_hz;
	struct live_pcm heard;
};

enum {
	LIVE_MARKS = 32,      /* that wait */
	LIVE_FRAMES = 64,     /* for the application: 1.28 s */
	LIVE_QUEUE = 4,       /* frames that wait for the worker */
	LIVE_SAID_MS = 30000, /* of the application's sound that was not played yet */
	LIVE_CHANNELS = 2,
};

struct live_mark {
	uint64_t at;     /* octets before it */
	uint32_t number; /* 0: it was not given to the worker yet */
	char name[LIVE_MARK_MAX + 1];
};

/* For the application. */
struct live_frame {
	uint32_t missed_before; /* frames that were dropped */
	uint8_t *octets;        /* live_sound_frame_octets */
};

struct live_sound {
	struct media_feed *feed; /* NULL: packets come by live_sound_put, and nothing is played */
	enum live_format format;
	uint32_t rate, feed_rate; /* of the application; of the frames for the party */
	uint32_t channels;        /* of the frames for the application */
	/* From the party; with two channels also what it hears. */
	struct live_party parties[LIVE_CHANNELS];
	uint64_t next_ns; /* of the next frame; 0: it has not begun */
	uint32_t frame_first, frame_count, missed;
	uint64_t frames_missed; /* of all its time */
	struct live_frame frames[LIVE_FRAMES];
	uint8_t *octets; /* of all frames */
	/* from the application */
	struct resampler *down;
	uint8_t *said; /* a ring of octets as they came; NULL: none yet */
	uint32_t audio_size, audio_first, audio_count;
	uint64_t audio_total, audio_taken; /* octets; taken: converted */
	uint64_t received_ns;              /* the newest came */
	uint64_t refused, refused_total;   /* octets; refused: not reported yet */
	struct live_pcm ready;             /* at feed_rate */
	uint32_t serial, mark_number;
	uint32_t mark_first, mark_count, marks_refused;
	struct live_mark marks[LIVE_MARKS];
};

/* In zeroed memory. 0, -EINVAL (a rate), -ENOMEM. */
int live_sound_open(struct live_sound *s, struct media_feed *feed, enum live_format format,
		    uint32_t rate, uint32_t feed_rate) NODISCARD;
/* A stream that only hears, of one or two channels. */
int live_sound_open_mixed(struct live_sound *s, enum live_format format, uint32_t rate,
			  uint32_t channels) NODISCARD;
void live_sound_put(struct live_sound *s, uint32_t channel, const struct live_packet *packet);
void live_sound_close(struct live_sound *s);
uint32_t live_sound_frame_octets(const struct live_sound *s);

/* As time goes: each 10 to 20 ms. */
void live_sound_tick(struct live_sound *s, uint64_t now_ns);

/* ---- for the application ---- */

/* The oldest frame, until it is released; NULL: none waits. */
const struct live_frame *live_sound_frame(const struct live_sound *s);
void live_sound_frame_release(struct live_sound *s);
/* No connection: nothing is queued for the application, and missed frames are counted. */
void live_sound_unheard(struct live_sound *s);
/* The name of a mark that has been reached, until it is released; NULL: none. */
const char *live_sound_mark(const struct live_sound *s);
void live_sound_mark_release(struct live_sound *s);

/* ---- of the application ---- */

void live_sound_receive(struct live_sound *s, struct bytes octets, uint64_t now_ns);
/* False: too many wait. */
bool live_sound_set_mark(struct live_sound *s, const char *name);
void live_sound_clear(struct live_sound *s);

#endif
