/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a mix with one encoding: the stream that they share, and those that some of them have of their own. Of dsp/mix/payloads.c. */
#ifndef DSP_MIX_GROUP_H
#define DSP_MIX_GROUP_H

#include "dsp/mix/packer.h"
#include "dsp/mix/payloads.h"

/* A stream of a member's own. They are kept when nobody has them. */
struct own {
	struct packer *packer;
	uint32_t member;   /* or MIX_NOBODY */
	uint32_t quiet_ms; /* it has heard what all hear */
};

/* All members of one encoding. Their packets begin and end in the same ticks. */
struct group {
	struct packer_settings s;
	struct packer *shared;
	uint32_t members, used;   /* how many, and how many of them are sent what nobody else is */
	uint32_t clock_hz, units; /* of RTP */
	uint32_t samples, filled; /* of a packet; of the present one up to now */
	uint32_t packet;          /* number of the present one */
	uint32_t made;            /* packets, in this tick */
	uint32_t next;            /* stream that is made next: 0 is the shared one */
	uint32_t starved;         /* members, in the present packet */
	uint32_t return_ms;
	uint32_t cost_ns; /* of a packet, about */
	bool modes;       /* the first octet says a mode (RFC 6716 3.1) */
	bool copies;      /* the codec has them */
	bool plain; /* each tick is a packet, of a codec without a past: there are no streams, what is a member's own is made when it is sent */
	bool idle;  /* nobody hears the shared stream, so it is not encoded */
	uint32_t own_n, own_max;
	struct own *own;
};

/* own_max: streams of their own that members may have. 0, -EINVAL, -ENOTSUP, -ENOMEM */
int group_open(struct group **out, const struct packer_settings *s, uint32_t rate, uint32_t samples,
	       uint32_t own_max) NODISCARD;
void group_close(struct group *g);
bool group_is_of(const struct group *g, const struct packer_settings *s);
/* One more of these, unless there are as many as members. 0, -ENOMEM */
int group_grow(struct group *g) NODISCARD;
void group_fetch(const struct group *g);
/* Somebody hears the shared stream again, whose encoder has not seen what came meanwhile. */
void group_wake(struct group *g);
/* Nobody has heard the shared stream. It becomes a copy of this one: so who returns sees no change at all. */
void group_take(struct group *g, const struct packer *from);

#endif
