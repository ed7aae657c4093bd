/* SPDX-License-Identifier: Apache-2.0 */
/* Whose pictures there are in a room, and who sees whose. */
#include "engine/job/room_picture.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/job/turn.h"
#include "engine/walk/worker.h"

/* ---- who sees whom ---- */

/* Who is heard by one alone is seen by nobody. */
static enum floor_claim video_claim(const struct worker *w, const struct member_video *m)
{
	const struct flow *f = &w->flows.list[m->slot];

	if (!f->receive || m->spec.coaches || !m->received_ns ||
	    w->now_ns > m->received_ns + VIDEO_SILENT_MS * NS_PER_MS)
		return FLOOR_NONE;
	return m->spec.muted ? FLOOR_MUTED : FLOOR_SPEAKS;
}

static void claims_read(const struct worker *w, struct room_video *p)
{
	for (uint32_t i = 0; i < p->end; i++)
		p->claims[i] = p->list[i] ? video_claim(w, p->list[i]) : FLOOR_NONE;
}

static void watch(struct room_video *p, struct video_pick k, bool more)
{
	if (k.member == FLOOR_NOBODY || !p->list[k.member])
		return;
	video_source_of(p, k)->watchers += more ? 1U : UINT32_MAX;
}

void video_view_go(struct room_video *p, uint32_t view, struct video_pick from)
{
	struct video_view *v = &p->list[view]->view;

	watch(p, from, true);
	watch(p, v->from, false);
	v->from = from;
}

static void view_want(struct room_video *p, uint32_t view, struct video_pick wants, uint64_t now_ns)
{
	struct video_view *v = &p->list[view]->view;

	if (video_pick_eq(v->wants, wants))
		return;
	watch(p, wants, true);
	watch(p, v->wants, false);
	v->wants = wants;
	v->wants_ns = now_ns;
	if (wants.member == FLOOR_NOBODY || video_pick_eq(wants, v->from))
		return;
	keyframe_want(&video_source_of(p, wants)->ask);
	p->asks = true;
}

/* Of whom it shall see, the layer that fits. */
static void view_review(struct worker *w, struct room_video *p, uint32_t view)
{
	struct member_video *m = p->list[view];
	struct video_pick before = m->view.wants, wants = VIDEO_PICK_NONE;
	uint32_t most_kbps;

	video_limit_follow(p, &m->view, &w->flows.list[m->slot]);
	most_kbps = video_limit_least(m->terms.most_kbps, m->view.limit.kbps);
	wants.member = floor_seen_by(&p->floor, view);
	if (wants.member != FLOOR_NOBODY)
		wants.layer = video_layer_for(p, &m->view, most_kbps, wants.member, w->now_ns);
	view_want(p, view, wants, w->now_ns);
	if (wants.member == before.member && wants.layer != before.layer)
		metric_add(w->metrics->video_layers, 1);
}

/* Whom nobody sees is asked for nothing. */
static void asks_review(struct room_video *p)
{
	for (uint32_t i = 0; i < p->end; i++) {
		struct member_video *m = p->list[i];

		for (uint8_t k = 0; m && k < (uint8_t)MEDIA_LAYERS_MAX; k++) {
			if (m->layers[k].watchers == 0)
				keyframe_came(&m->layers[k].ask);
			p->asks |= m->layers[k].ask.wanted;
		}
	}
}

void video_review(struct worker *w, struct job *j)
{
	struct room_video *p = ((struct room *)j->work)->video;

	p->review_ns = w->now_ns;
	claims_read(w, p);
	(void)floor_review(&p->floor, p->claims, p->end);
	for (uint32_t i = 0; i < p->end; i++)
		if (p->list[i])
			video_rates_read(p->list[i], w->now_ns);
	for (uint32_t i = 0; i < p->end; i++)
		if (p->list[i])
			view_review(w, p, i);
	asks_review(p);
	if (video_is_waiting(p, w->now_ns))
		turn_want(&w->jobs, j);
}

/* FLOOR_NOBODY: that member has no picture. */
static uint32_t video_numbered(const struct room_video *p, uint32_t number)
{
	for (uint32_t i = 0; i < p->end; i++)
		if (p->list[i] && p->list[i]->spec.number == number)
			return i;
	return FLOOR_NOBODY;
}

/* The loudest of those with a place that speak in this tick; NULL: nobody does. */
static const struct room_member *talker_find(const struct room *r)
{
	const struct room_member *loudest = NULL;

	for (uint32_t i = 0; i < r->places_n; i++) {
		const struct room_member *m = r->members[r->places[i]];

		if (m->speaks && !m->spec.coaches && (!loudest || m->loudness < loudest->loudness))
			loudest = m;
	}
	return loudest;
}

void room_video_tick(struct worker *w, struct job *j)
{
	const struct room *r = j->work;
	struct room_video *p = r->video;
	const struct room_member *m = p ? talker_find(r) : NULL;
	uint32_t talker = m ? video_numbered(p, m->spec.number) : FLOOR_NOBODY;

	if (!p)
		return;
	if (talker != FLOOR_NOBODY && video_claim(w, p->list[talker]) != FLOOR_SPEAKS)
		talker = FLOOR_NOBODY;
	if (floor_talks(&p->floor, talker, ROOM_TICK_MS) || video_review_is_due(p, w->now_ns))
		video_review(w, j);
}

/* ---- join, leave ---- */

void room_video_free(struct room *r)
{
	struct room_video *p = r->video;

	for (uint32_t i = 0; p && i < p->end; i++)
		free(p->list[i]);
	if (p) {
		free(p->claims);
		free(p->ring);
	}
	free(p);
	r->video = NULL;
}

static int room_video_make(struct room *r)
{
	struct room_video *p;

	if (r->video)
		return 0;
	p = calloc(1, sizeof(*p) + r->spec.members * sizeof(p->list[0]));
	r->video = p;
	if (!p)
		return -ENOMEM;
	p->floor = floor_empty();
	p->claims = calloc(r->spec.members, sizeof(*p->claims));
	p->ring = calloc(VIDEO_RING, sizeof(*p->ring));
	if (p->claims && p->ring)
		return 0;
	room_video_free(r);
	return -ENOMEM;
}

static uint32_t video_place(const struct room *r)
{
	uint32_t i = 0;

	while (i < r->spec.members && r->video->list[i])
		i++;
	return i;
}

static int video_join(struct room *r, struct flow *f, const struct flow_member *spec)
{
	struct room_video *p = r->video;
	uint32_t index = video_place(r);
	struct member_video *m;

	if (spec->number == 0 || video_numbered(p, spec->number) != FLOOR_NOBODY)
		return -EINVAL;
	if (index == r->spec.members)
		return -ENOSPC;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	*m = (struct member_video){ .slot = f->id.slot,
				    .spec = *spec,
				    .view = { .from = VIDEO_PICK_NONE, .wants = VIDEO_PICK_NONE } };
	p->list[index] = m;
	p->end = index < p->end ? p->end : index + 1;
	f->listener.member = index + 1;
	f->listener.video = 1;
	return 0;
}

/* What waits of it is of nobody, and whoever saw it sees nobody yet. */
static void video_forget(struct room_video *p, uint32_t index, uint64_t now_ns)
{
	for (uint32_t i = 0; i < p->count; i++) {
		struct video_packet *k = &p->ring[(p->first + i) % VIDEO_RING];

		k->from = k->from.member == index ? VIDEO_PICK_NONE : k->from;
	}
	for (uint32_t i = 0; i < p->end; i++) {
		if (!p->list[i])
			continue;
		if (p->list[i]->view.from.member == index)
			video_view_go(p, i, VIDEO_PICK_NONE);
		if (p->list[i]->view.wants.member == index)
			view_want(p, i, VIDEO_PICK_NONE, now_ns);
	}
}

int room_video_set(struct worker *w, struct job *j, struct flow *f, const struct flow_spec *of)
{
	const struct flow_member *spec = &of->member;
	struct room *r = j->work;
	struct member_video *m;
	int err = room_video_make(r);

	if (err)
		return err;
	if (f->listener.member &&
	    r->video->list[f->listener.member - 1]->spec.number != spec->number)
		room_video_leave(w, j, f);
	if (!f->listener.member)
		err = video_join(r, f, spec);
	if (err)
		return err;
	m = r->video->list[f->listener.member - 1];
	video_layers_change(m, &of->video.layers);
	m->spec = *spec;
	m->terms = of->video;
	video_review(w, j);
	return 0;
}

void room_video_leave(struct worker *w, struct job *j, struct flow *f)
{
	struct room_video *p = ((struct room *)j->work)->video;
	uint32_t index = f->listener.member - 1;
	struct member_video *m = p->list[index];

	video_view_go(p, index, VIDEO_PICK_NONE);
	view_want(p, index, VIDEO_PICK_NONE, w->now_ns);
	video_forget(p, index, w->now_ns);
	p->list[index] = NULL;
	free(m);
	f->listener.member = 0;
	f->listener.video = 0;
	video_review(w, j);
}
