/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Video of a room (room.h): a video flow with the number of a member is its picture. Each picture
 * is a source, what its party sends, and a view, what its party is sent: packets of one source at a
 * time, unchanged, under the numbers of one stream of ours. A view switches to another source where
 * a decoder may begin (media/rtp/video.h); until then it stays. The source is asked for a key
 * frame.
 *
 * A browser may send its picture in several sizes (media_layers): each is a source, and each view
 * has one of them (video_choice.h), a smaller one if its line loses packets.
 *
 * Packets wait in a ring, since packets are made between two batches only. Private to the files of
 * that name. The worker's thread; memory is allocated by commands only.
 */
#ifndef ENGINE_JOB_ROOM_VIDEO_H
#define ENGINE_JOB_ROOM_VIDEO_H

#include "engine/job/room.h"
#include "engine/job/video_choice.h"
#include "media/rtp/rtp_parse.h"
#include "media/rtp/video.h"

enum {
	VIDEO_RING = 256,       /* packets that wait: a picture of 300 kB */
	VIDEO_OCTETS = 1488,    /* of a payload */
	VIDEO_HZ = 90000,       /* RFC 6184 8.2.1, RFC 7741 6.1 */
	VIDEO_UNITS = 180,      /* flow_last_sent.units: at most as many packets as this allows */
	VIDEO_SILENT_MS = 2000, /* silent for so long: no source */
	VIDEO_REVIEW_MS = 100,
};

struct video_source {
	uint32_t ssrc;
	uint32_t epoch;         /* another one: another stream */
	uint16_t sequence;      /* highest */
	uint64_t received_ns;   /* 0: never */
	uint64_t begun_ns;      /* a decoder could begin last; 0: never */
	uint32_t ends_then;     /* picture.ends, when it was heard */
	uint8_t format;         /* of its newest packet */
	bool held;              /* its packets wait: a switching view has half a picture */
	uint32_t watchers;      /* views that have it, or shall */
	uint32_t pixels;        /* of its newest picture with a size; 0: unknown */
	struct layer_rate rate; /* of a layer */
	struct keyframe_need ask;
	struct losses losses; /* requested again while a view shows it */
};

#define VIDEO_END_NS (40 * NS_PER_MS) /* so long the end of a picture is waited for */

/* What a view has, or shall have. */
struct video_pick {
	uint32_t member; /* FLOOR_NOBODY: no member */
	uint8_t layer;
};

#define VIDEO_PICK_NONE ((struct video_pick){ .member = FLOOR_NOBODY })

static inline bool video_pick_eq(struct video_pick a, struct video_pick b)
{
	return a.member == b.member && a.layer == b.layer;
}

struct video_view {
	struct video_pick from; /* the source of its packets */
	uint32_t epoch;
	struct video_pick wants; /* the source it shall have: */
	uint64_t wants_ns;       /* ... since then */
	uint16_t first; /* no packet before that one is of it; it follows, so that numbers wrap */
	uint16_t sequence_offset;
	uint32_t timestamp_offset;
	uint64_t open_ns; /* its newest packet, which did not end a picture; 0: it did */
	struct vp8_numbers vp8;
	struct video_limit limit; /* by the losses on its line */
	uint64_t reported_ns;     /* the newest report that the limit knows */
	uint32_t sent;            /* packets since then */
	uint16_t reported_at;     /* the number of the last one before */
};

struct member_video {
	uint32_t slot; /* of its flow */
	struct flow_member spec;
	struct flow_video terms;
	uint64_t received_ns; /* any layer; 0: never */
	uint32_t ends;        /* frames that ended, of all layers */
	/* By terms.layers; a picture without layers has the first. */
	struct video_source layers[MEDIA_LAYERS_MAX];
	struct video_view view;
};

struct video_packet {
	struct video_pick from;
	uint32_t epoch, timestamp;
	uint16_t sequence, length;
	uint8_t format, marker, begins;
	bool shown;                                  /* to all; those before it were not yet */
	struct vp8_head vp8;                         /* as it came */
	uint8_t octets[RTP_HEAD_LEN + VIDEO_OCTETS]; /* the head is written for each view */
};

struct room_video {
	struct floor floor;
	uint64_t review_ns;    /* the last one */
	bool asks;             /* of some source is a picture wanted */
	uint32_t first, count; /* of the ring */
	/* The packet that is shown, counted from the first; the view that gets it next. */
	uint32_t at, cursor;
	bool holds;       /* some source is held: */
	uint64_t held_ns; /* ... until then, at the latest */
	uint32_t end;     /* behind the last one of list */
	enum floor_claim *claims;
	struct video_packet *ring;
	struct member_video *list[]; /* as many as members may be */
};

/* ---- sources and views ---- */

/* Assigns sources to views, by the members' present state and speech. */
void video_review(struct worker *w, struct job *j);
static inline bool video_review_is_due(const struct room_video *p, uint64_t now_ns)
{
	return now_ns >= p->review_ns + VIDEO_REVIEW_MS * NS_PER_MS;
}
void video_view_switch(struct room_video *p, uint32_t view, struct video_pick from);
static inline struct video_source *video_source_of(const struct room_video *p, struct video_pick k)
{
	return &p->list[k.member]->layers[k.layer];
}

/* ---- layers ---- */

/* The packet's layer; LAYER_NONE: of no layer that is shown. */
uint8_t video_layer_of(struct member_video *m, const struct pkt *k, uint64_t now_ns);
/* The flow's counts and reports are about one layer, while that one arrives. */
void video_flow_follow(struct flow *f, const struct member_video *m, uint32_t ssrc,
		       uint64_t now_ns);

/* ---- requests ---- */

/* What is due. How much that cost. */
uint32_t video_requests_send(struct worker *w, struct room_video *p);

/* ---- sending ---- */

bool video_is_waiting(const struct room_video *p, uint64_t now_ns);

#endif
