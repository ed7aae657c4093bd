/* SPDX-License-Identifier: Apache-2.0 */
/* Video of parties without a peer leg (video.h). Members of a conference see the video of others,
 * so the node negotiates it by what the other members can decode, and finds members that must be
 * re-INVITEd because they send a format or size that others cannot decode. Outside of rooms a video
 * line is only kept for the next peer. */

#include "sig/call/video.h"

#include <errno.h>
#include <stdio.h>

#include "media/offer/offer.h"
#include "sig/call/audio_source.h"
#include "sig/leg/leg.h"
#include "sig/model/conference.h"

/* Video of those who are in a room. */
struct shown {
	uint8_t level;  /* the lowest of H.264; 0: none is named */
	bool any;       /* some member has video */
	bool vp8, h264; /* all of those have it */
};

static struct shown shown_of_nobody(void)
{
	return (struct shown){ .vp8 = true, .h264 = true };
}

static void shown_add(struct shown *all, const struct offer_video_formats *p)
{
	all->any = true;
	all->vp8 &= p->vp8;
	all->h264 &= p->h264;
	if (p->level && (all->level == 0 || p->level < all->level))
		all->level = p->level;
}

/* False: it has none. */
static bool leg_video(const struct leg *l, struct offer_video_formats *out)
{
	const struct leg_sdp *sdp = leg_sdp_newest(l);

	return offer_video_read(out, text_bytes(&sdp->remote), text_bytes(&sdp->local));
}

static void shown_add_call(struct shown *all, const struct call *c)
{
	struct offer_video_formats p;

	for (uint8_t i = 0; c && i < c->leg_count; i++)
		if (c->legs[i] && bridge_has(c, i) && leg_video(c->legs[i], &p))
			shown_add(all, &p);
}

/* Those in the room but for the call, and those that are to come. */
static struct shown room_shows(const struct call_host *h, const struct call *c,
			       const struct room *r)
{
	const struct room_member *m = r->first;
	struct shown all = shown_of_nobody();

	for (uint32_t i = 0; m && !m->asks && i < VIDEO_MEMBERS_MAX; i++, m = m->next)
		if (m->call != c->id)
			shown_add_call(&all, h->services->calls->find(h->owner, m->call));
	for (uint8_t i = 0; i < r->pending_count; i++)
		shown_add_call(&all, h->services->calls->find(h->owner, r->comes[i].call));
	return all;
}

static bool has_video(const struct call *c, uint8_t leg)
{
	const struct leg_sdp *sdp = &c->legs[leg]->sdp;

	return leg_sdp_is_agreed(sdp) && offer_has_video(text_bytes(&sdp->local));
}

/* What the call is told of those who are in its room. False: it is in none. */
static bool video_capabilities_read(const struct call_host *h, const struct call *c,
				    struct offer_capabilities *own, struct shown *all)
{
	const struct room *r = conference_room(h, c);

	*all = shown_of_nobody();
	own->video_level = 0;
	own->vp8_first = false;
	if (!r)
		return false;
	*all = room_shows(h, c, r);
	own->video_level = all->level;
	own->vp8_first = all->vp8;
	return true;
}

bool video_answer(const struct call_host *h, const struct call *c, uint8_t leg,
		  struct offer_capabilities *own)
{
	struct shown all;

	own->video = video_capabilities_read(h, c, own, &all) || has_video(c, leg);
	return own->video;
}

bool video_offer(const struct call_host *h, const struct call *c, struct offer_capabilities *own)
{
	struct shown all;

	own->video = video_capabilities_read(h, c, own, &all) && all.any;
	return own->video;
}

int video_reoffer(const struct call_host *h, const struct call *c, struct bytes local,
		  struct writer *w)
{
	struct offer_capabilities own;
	struct shown all;

	if (!video_capabilities_read(h, c, &own, &all) || !all.any)
		return -ENOENT;
	return offer_video_fit(local, own.video_level, own.vp8_first, w);
}

/* ---- who sends what others cannot see ---- */

/* The video of the room's members, in their order; only of those that are bridged with it. */
struct looked_at {
	uint32_t count;
	struct room_member *members[VIDEO_MEMBERS_MAX];
	struct offer_video_formats video_on[VIDEO_MEMBERS_MAX];
};

static void room_look(const struct call_host *h, const struct room *r, struct looked_at *out)
{
	struct room_member *m = r->first;

	out->count = 0;
	for (uint32_t i = 0; m && !m->asks && i < VIDEO_MEMBERS_MAX; i++, m = m->next) {
		const struct call *c = h->services->calls->find(h->owner, m->call);

		if (!c || !conference_speaks(c) ||
		    !leg_video(call_caller(c), &out->video_on[out->count]))
			continue;
		out->members[out->count++] = m;
	}
}

static struct shown others_show(const struct looked_at *k, uint32_t but)
{
	struct shown all = shown_of_nobody();

	for (uint32_t i = 0; i < k->count; i++)
		if (i != but)
			shown_add(&all, &k->video_on[i]);
	return all;
}

/* Its first format is not common to the others although there is a common one; or it sends more
 * than one of them decodes. */
static bool is_unfit(const struct offer_video_formats *p, const struct shown *others)
{
	if (p->vp8_first)
		return !others->vp8 && p->h264;
	if (p->vp8 && others->vp8 && !others->h264)
		return true;
	return p->h264 && others->level && p->local_level > others->level;
}

/* Never 0. */
static uint16_t shown_hash(const struct shown *others)
{
	return (uint16_t)(others->level << 8 | others->vp8 << 2 | others->h264 << 1 | 1);
}

uint32_t video_unfit_members(const struct call_host *h, const struct room *r,
			     uint64_t calls[VIDEO_MEMBERS_MAX])
{
	struct looked_at k;
	uint32_t n = 0;

	room_look(h, r, &k);
	for (uint32_t i = 0; i < k.count; i++) {
		struct shown others = others_show(&k, i);

		if (!is_unfit(&k.video_on[i], &others) ||
		    k.members[i]->shown == shown_hash(&others))
			continue;
		k.members[i]->shown = shown_hash(&others);
		calls[n++] = k.members[i]->call;
	}
	return n;
}

/* Of several video lines of a party others see the first. */
static bool is_first_video(const struct call *c, const struct call_flow *f)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		const struct call_flow *other = &c->flows[i];

		if (other->leg == f->leg && other->kind == MEDIA_VIDEO && !other->closing &&
		    other->line < f->line)
			return false;
	}
	return f->kind == MEDIA_VIDEO;
}

bool room_video_source(const struct call_host *h, const struct call *c, const struct call_flow *f,
		       struct flow_source *out)
{
	const struct room *r =
		audio_source_of(c, f->leg) == AUDIO_SOURCE_ROOM ? conference_room(h, c) : NULL;

	*out = (struct flow_source){ 0 };
	if (!r || r->job.generation == 0 || !is_first_video(c, f))
		return false;
	out->job = r->job;
	return true;
}
