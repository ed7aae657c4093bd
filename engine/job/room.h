/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conference (media/job.h) of flows of one worker. Private to the files of that name.
 *
 * The worker's thread. Memory is allocated by commands alone.
 */
#ifndef ENGINE_JOB_ROOM_H
#define ENGINE_JOB_ROOM_H

#include <assert.h>

#include "dsp/mix/payloads.h"
#include "engine/job/job.h"
#include "media/flow.h"

static_assert((int)MEDIA_ROOM_MEMBERS_MAX == (int)MIX_MEMBERS_MAX, "one limit");
static_assert((int)MEDIA_ROOM_TALKERS_MAX == (int)MIX_TALKERS_MAX, "one limit");
static_assert((int)MEDIA_ROOM_GAIN_DB_MAX == (int)MIX_GAIN_DB_MAX, "one limit");

enum {
	ROOM_COMPLEXITY = 5, /* of Opus, where none was asked for */
};

struct room_member {
	struct flow_member spec;
	uint32_t slot; /* of its flow */
	uint8_t codec; /* of what it is sent; MEDIA_CODECS_KNOWN: nothing can be */
	uint32_t whom; /* it coaches, in the mix; MIX_NOBODY: none who is there */
	bool hushed;   /* as the mix has it: it is muted, or whom it coaches is not there */
	bool encodes;  /* payloads have it */
};

struct room {
	struct media_room spec;
	struct mix *mix;
	struct payloads *payloads;
	uint32_t coaches;              /* members who are */
	struct room_member *members[]; /* by their number in the mix */
};

/* room_member.c: of struct job_kind. */
int room_member_set(struct worker *w, struct job *j, struct flow *f,
		    const struct flow_member *member);
void room_member_leave(struct worker *w, struct job *j, struct flow *f);

#endif
