/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of lamps. */
#include <string.h>

#include "tests/sim/sim.h"

enum { LAMP_S = 600, LAMP_SHORT_S = 60 };

#define ON(phone) (1u << (phone))

/* ---- what is done ---- */

void story_lamp(struct sim *s, const struct story_step *step)
{
	struct phone *p = &s->phones.list[step->who];
	struct blf_watch *l = lamp_of(s, p);

	if (step->what == STORY_LAMP)
		(void)blf_watch_begin(s, p, step->to, LAMP_S, LAMP_KEEPS);
	else if (step->what == STORY_LAMP_RUNS)
		(void)blf_watch_begin(s, p, step->to, LAMP_SHORT_S, LAMP_RUNS_OUT);
	else if (step->what == STORY_LAMP_FETCH)
		(void)blf_watch_begin(s, p, step->to, 0, LAMP_FETCHES);
	else if (l && step->what == STORY_LAMP_REFRESH)
		lamp_refresh(s, l);
	else if (l && step->what == STORY_LAMP_OFF)
		lamp_end(s, l);
	else if (l && step->what == STORY_LAMP_FORGET) {
		lamp_forget(l);
		l->silent = true;
	}
}

/* ---- what is to come of it ---- */

static bool is_as_told(const struct story *t, const struct blf_watch *l)
{
	switch (t->blf_keys) {
	case LAMPS_ANY:
		return true;
	case LAMPS_DARK:
		return l->state == BLF_WATCH_ON && lamp_is_dark(l);
	case LAMPS_LIT:
		return l->state == BLF_WATCH_ON && lamp_is_lit(l);
	case LAMPS_OVER:
		return l->state == LAMP_OVER && (!t->over || !strcmp(t->over, l->reason));
	}
	return false;
}

void story_look_at_lamps(struct sim *s)
{
	const struct story *t = s->script;

	if (t->blf_keys && !s->blf_keys.count)
		check_fail(s, "%s: nobody has a lamp", t->name);
	for (uint32_t i = 0; i < s->blf_keys.count; i++) {
		const struct blf_watch *l = s->blf_keys.list[i];

		if (!is_as_told(t, l) && !check_lamp_took(s, l->id) &&
		    !check_calls_are_elsewhere(s, l->dialog.node))
			check_fail(s, "%s: %s is %s, %s", t->name, l->dialog.call_id,
				   l->state == LAMP_OVER      ? "over"
				   : l->state == BLF_WATCH_ON ? "on"
							      : "asked for",
				   l->state == LAMP_OVER ? l->reason
				   : lamp_is_lit(l)      ? "lit"
				   : lamp_is_dark(l)     ? "dark"
							 : "between");
	}
}

/* ---- the stories ---- */

const struct story story_lamps[] = {
	{ "lamp", .steps = { { 3, STORY_LAMP, D, EXT_B }, { 5, STORY_DIAL, A, EXT_B } },
	  .absent = ON(B2), .look_s = 15, .talk = ON(A) | ON(B), .status = 200, .pairs = 1,
	  .blf_keys = LAMPS_LIT },
	{ "lamp-of-who-calls",
	  .steps = { { 3, STORY_LAMP, D, EXT_A }, { 5, STORY_DIAL, A, EXT_B } }, .absent = ON(B2),
	  .look_s = 15, .talk = ON(A) | ON(B), .status = 200, .pairs = 1, .blf_keys = LAMPS_LIT },
	{ "lamp-goes-out",
	  .steps = { { 3, STORY_LAMP, D, EXT_B },
		     { 5, STORY_DIAL, A, EXT_B },
		     { 12, STORY_HANG_UP, A } },
	  .absent = ON(B2), .look_s = 20, .status = 200, .pairs = 1, .blf_keys = LAMPS_DARK },
	{ "lamp-switched-on-late",
	  .steps = { { 3, STORY_DIAL, A, EXT_B }, { 8, STORY_LAMP, D, EXT_B } }, .absent = ON(B2),
	  .look_s = 18, .talk = ON(A) | ON(B), .status = 200, .pairs = 1, .blf_keys = LAMPS_LIT },
	{ "lamp-refreshed",
	  .steps = { { 3, STORY_LAMP_RUNS, D, EXT_B },
		     { 35, STORY_LAMP_REFRESH, D },
		     { 70, STORY_DIAL, A, EXT_B } },
	  .absent = ON(B2), .look_s = 78, .talk = ON(A) | ON(B), .status = 200, .pairs = 1,
	  .blf_keys = LAMPS_LIT },
	{ "lamp-runs-out",
	  .steps = { { 3, STORY_LAMP_RUNS, D, EXT_B }, { 66, STORY_DIAL, A, EXT_B } },
	  .absent = ON(B2), .look_s = 90, .talk = ON(A) | ON(B), .status = 200, .pairs = 1,
	  .blf_keys = LAMPS_OVER, .over = "timeout" },
	{ "lamp-switched-off",
	  .steps = { { 3, STORY_LAMP, D, EXT_B },
		     { 8, STORY_LAMP_OFF, D },
		     { 14, STORY_DIAL, A, EXT_B } },
	  .absent = ON(B2), .look_s = 50, .talk = ON(A) | ON(B), .status = 200, .pairs = 1,
	  .blf_keys = LAMPS_OVER },
	{ "lamp-asked-once", .steps = { { 3, STORY_LAMP_FETCH, D, EXT_B } }, .look_s = 40,
	  .blf_keys = LAMPS_OVER },
	{ "lamp-forgotten",
	  .steps = { { 3, STORY_LAMP, D, EXT_B },
		     { 8, STORY_LAMP_FORGET, D },
		     { 9, STORY_DIAL, A, EXT_B } },
	  .absent = ON(B2), .look_s = 18, .talk = ON(A) | ON(B), .status = 200, .pairs = 1,
	  .blf_keys = LAMPS_OVER },
	{ "lamp-forbidden",
	  .steps = { { 3, STORY_LAMP, D, EXT_B },
		     { 8, STORY_DOCUMENT, EXT_D, DOCUMENT_WATCHES_NOT },
		     { 12, STORY_DIAL, A, EXT_B } },
	  .absent = ON(B2), .look_s = 25, .talk = ON(A) | ON(B), .status = 200, .pairs = 1,
	  .blf_keys = LAMPS_OVER, .over = "rejected" },
	{ "lamp-of-nobody-any-more",
	  .steps = { { 3, STORY_LAMP, D, EXT_B }, { 8, STORY_DOCUMENT, EXT_B, DOCUMENT_DELETED } },
	  .look_s = 25, .blf_keys = LAMPS_OVER, .over = "noresource" },
	{ "lamps-of-three",
	  .steps = { { 3, STORY_LAMP, D, EXT_B },
		     { 3, STORY_LAMP, C, EXT_B },
		     { 4, STORY_LAMP, C, EXT_A },
		     { 6, STORY_DIAL, A, EXT_B } },
	  .absent = ON(B2), .look_s = 16, .talk = ON(A) | ON(B), .status = 200, .pairs = 1,
	  .blf_keys = LAMPS_LIT },
	{ "lamp-of-who-is-given-a-call",
	  .steps = { { 3, STORY_LAMP, D, EXT_C },
		     { 4, STORY_DIAL, A, EXT_B },
		     { 12, STORY_REFER, B, EXT_C } },
	  .absent = ON(B2), .look_s = 34, .talk = ON(A) | ON(C), .status = 200, .pairs = 2,
	  .blf_keys = LAMPS_LIT },
	{ "lamp-of-who-gives-a-call-away",
	  .steps = { { 3, STORY_LAMP, D, EXT_B },
		     { 4, STORY_DIAL, A, EXT_B },
		     { 12, STORY_REFER, B, EXT_C } },
	  .absent = ON(B2), .look_s = 34, .talk = ON(A) | ON(C), .status = 200, .pairs = 2,
	  .blf_keys = LAMPS_DARK },
	{ "lamp-over-tls",
	  .steps = { { 3, STORY_LAMP, D, EXT_B },
		     { 8, STORY_DROP, D },
		     { 9, STORY_DIAL, A, EXT_B } },
	  .absent = ON(B2), .tls = true, .look_s = 22, .talk = ON(A) | ON(B), .status = 200,
	  .pairs = 1, .blf_keys = LAMPS_LIT, .loose = true },
	{ "lamp-that-roams",
	  .steps = { { 3, STORY_LAMP, D, EXT_B },
		     { 8, STORY_ROAM, D, SIP_UDP },
		     { 12, STORY_DIAL, A, EXT_B } },
	  .absent = ON(B2), .instances = ON(D), .look_s = 22, .talk = ON(A) | ON(B), .status = 200,
	  .pairs = 1, .blf_keys = LAMPS_LIT },
	{ "lamp-whose-phone-is-gone",
	  .steps = { { 3, STORY_LAMP, D, EXT_B },
		     { 8, STORY_VANISH, D },
		     { 9, STORY_DIAL, A, EXT_B },
		     { 50, STORY_RETURN, D } },
	  .absent = ON(B2), .look_s = 56, .talk = ON(A) | ON(B), .status = 200, .pairs = 1,
	  .blf_keys = LAMPS_OVER },
	{ "lamp-while-the-store-is-away",
	  .steps = { { 3, STORY_LAMP, D, EXT_B },
		     { 5, STORY_STORE_DOWN },
		     { 7, STORY_DIAL, A, EXT_B },
		     { 12, STORY_STORE_UP } },
	  .absent = ON(B2), .look_s = 24, .talk = ON(A) | ON(B), .blf_keys = LAMPS_LIT,
	  .loose = true },
	{ "lamp-begins-while-the-store-is-away",
	  .steps = { { 3, STORY_STORE_DOWN },
		     { 5, STORY_LAMP, D, EXT_B },
		     { 12, STORY_STORE_UP },
		     { 16, STORY_DIAL, A, EXT_B } },
	  .absent = ON(B2), .look_s = 26, .talk = ON(A) | ON(B), .blf_keys = LAMPS_LIT,
	  .loose = true },
};
const uint32_t story_lamp_count = COUNT_OF(story_lamps);
