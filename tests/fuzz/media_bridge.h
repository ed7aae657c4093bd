/* SPDX-License-Identifier: Apache-2.0 */
/* What media_bridge_fuzz.c is made of. One thread. */
#ifndef TESTS_FUZZ_MEDIA_BRIDGE_H
#define TESTS_FUZZ_MEDIA_BRIDGE_H

#include "media/offer/agree.h"

/* ---- media_bridge_answer.c ---- */
/* A party's offer, changed by the script. */
struct bytes bridge_offer(struct bytes offer, struct bytes script, struct writer *w);
/* Our offer as its answerer would say it, and then changed by the script. */
struct bytes bridge_answer(struct bytes offer, struct bytes script, struct writer *w);

/* ---- media_bridge_same.c ---- */
/* Aborts and says where the plans differ. */
void same_plan(const struct media_plan *want, const struct media_plan *got);

/* ---- media_bridge_coded.c ---- */
void check_codings(const struct media_plan *plan, const struct session *a, const struct session *b,
		   bool codes);

#endif
