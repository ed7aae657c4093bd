/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of calls as a build of some day wrote them, and what a node that finds one does. Harvested once from stories, kept in
 * tests/data/records/sim, and gone on with by every later build: NAME.bin is a record, stories.txt has a line for each.
 */
#ifndef TESTS_SIM_GOLDEN_H
#define TESTS_SIM_GOLDEN_H

#include "base/addr.h"
#include "sig/host/effect.h"

struct sim;

enum { GOLDEN_STORY_MAX = 1024 };

/* What the node says first in a run: "INVITE>192.0.2.11 ...", each once. */
struct golden_story {
	char text[GOLDEN_STORY_MAX];
};
void golden_said(struct golden_story *story, const struct addr *to, struct bytes message);
/* The recorder is told; act: in words. */
void golden_recorded(struct golden_story *story, const struct request_record *r, const char *act);

/* A record of a call, or of a conference, reached the store: it becomes a file where it has something that no record in the folder has. */
void golden_harvest(struct sim *s, const char *folder, struct bytes record);
void golden_harvest_room(struct sim *s, const char *folder, struct bytes record);

/*
 * Each record of the folder gives the state that states.txt has a hash of: what this program writes of it, field by field. Then a node
 * starts with it, and nobody answers it any more. False: an invariant is broken, or a state or a story is another one.
 */
struct golden_way {
	bool story;  /* stories are printed, and not compared */
	bool hashes; /* the lines of states.txt are; with story: and the fields */
};
bool golden_replay(const char *folder, const struct golden_way *way);

#endif
