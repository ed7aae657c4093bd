/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/mix/mix.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/limiter.h"
#include "dsp/limiter_wide.h"
#include "dsp/mix/mix_wide.h"
#include "dsp/mix/rank.h"

enum {
	TICK_MS = 20,
	TALKERS = 3,
	HOLD_MS = 500,
	SEAM_PER_S = 200 /* so short is one */,
	LINE = 64
};

/* Talkers are heard by all, coaches by one each. */
enum { TALKS, COACHES, KINDS };

static_assert((int)MIX_TALKERS_MAX == (int)RANK_PLACES_MAX, "a place for each talker");
static_assert((uint32_t)MIX_NOBODY == (uint32_t)RANK_NOBODY, "the same nobody");

struct mix_member {
	struct limiter limiter; /* of what it hears alone */
	float gain, gain_next;
	uint32_t coaches; /* whom, or MIX_NOBODY */
	uint32_t own_at;  /* the tick of its own frame */
	const int16_t *own;
	bool used, muted, deaf, coach;
};

/* A frame that was put, and what is made in its place. */
struct mix_voice {
	uint32_t member;
	int32_t in[MIX_SAMPLES_MAX];
	int16_t own[MIX_SAMPLES_MAX];
};

/* Where the voice of a member stood at the end of a tick. */
struct mix_end {
	uint32_t member;
	int32_t at;
};

struct mix_space {
	struct mix_voice voices[KINDS][MIX_TALKERS_MAX];
	int32_t sum[MIX_SAMPLES_MAX], part[MIX_SAMPLES_MAX], guests[MIX_SAMPLES_MAX];
	int16_t shared[MIX_SAMPLES_MAX];
};

struct mix {
	struct mix_settings s;
	uint32_t samples, tick;
	struct limiter limiter;
	struct rank rank[KINDS];
	struct mix_space *own; /* NULL: it is lent */
	/* of the space */
	struct mix_voice (*voices)[MIX_TALKERS_MAX];
	int32_t *sum, *part, *guests;
	int16_t *shared;
	uint32_t voices_n[KINDS];
	uint32_t ends_n;
	struct mix_end ends[MIX_TALKERS_MAX]; /* of those who talked in the tick before */
	uint32_t guests_n;                    /* in this tick */
	uint32_t unused_n, *unused;           /* a stack of numbers */
	struct rank_member *ranks;
	struct mix_member members[];
};

struct mix_space *mix_space_open(void)
{
	return calloc(1, sizeof(struct mix_space));
}

void mix_space_close(struct mix_space *space)
{
	free(space);
}

void mix_lend(struct mix *m, struct mix_space *space)
{
	m->voices = space->voices;
	m->sum = space->sum;
	m->part = space->part;
	m->guests = space->guests;
	m->shared = space->shared;
}

void mix_fetch(const struct mix *m)
{
	const char *to = (const char *)&m->members[MIX_TALKERS_MAX];

	for (const char *p = (const char *)m; p < to; p += LINE)
		__builtin_prefetch(p, 1);
}

static bool mix_fits(const struct mix_settings *s)
{
	bool rate = s->rate == 8000 || s->rate == 16000 || s->rate == 48000;

	return rate && s->members >= 1 && s->members <= MIX_MEMBERS_MAX &&
	       (s->tick_ms == 10 || s->tick_ms == 20) && s->talkers <= MIX_TALKERS_MAX;
}

static void mix_prepare(struct mix *m, const struct mix_settings *s)
{
	uint32_t hold = s->hold_ms / s->tick_ms;

	m->s = *s;
	m->samples = s->rate / 1000 * s->tick_ms;
	m->tick = 1;
	rank_open(&m->rank[TALKS], m->ranks, s->talkers, hold);
	rank_open(&m->rank[COACHES], m->ranks, MIX_TALKERS_MAX, hold);
	for (uint32_t i = s->members; i > 0; i--)
		m->unused[m->unused_n++] = i - 1;
}

int mix_open(struct mix **out, const struct mix_settings *given)
{
	struct mix_settings s = *given;

	s.tick_ms = s.tick_ms ? s.tick_ms : TICK_MS;
	s.talkers = s.talkers ? s.talkers : TALKERS;
	s.hold_ms = s.hold_ms ? s.hold_ms : HOLD_MS;
	if (!mix_fits(&s))
		return -EINVAL;

	struct mix *m = calloc(1, sizeof(*m) + s.members * sizeof(m->members[0]));

	if (!m)
		return -ENOMEM;
	m->unused = calloc(s.members, sizeof(*m->unused));
	m->ranks = calloc(s.members, sizeof(*m->ranks));
	m->own = s.lent ? NULL : mix_space_open();
	if (!m->unused || !m->ranks || (!m->own && !s.lent)) {
		mix_close(m);
		return -ENOMEM;
	}
	if (m->own)
		mix_lend(m, m->own);
	mix_prepare(m, &s);
	*out = m;
	return 0;
}

void mix_close(struct mix *m)
{
	if (!m)
		return;
	mix_space_close(m->own);
	free(m->unused);
	free(m->ranks);
	free(m);
}

uint32_t mix_samples(const struct mix *m)
{
	return m->samples;
}

struct mix_settings mix_settings_of(const struct mix *m)
{
	return m->s;
}

static struct mix_member *mix_member(struct mix *m, uint32_t member)
{
	assert(member < m->s.members && m->members[member].used);
	return &m->members[member];
}

int mix_join(struct mix *m, uint32_t *member)
{
	if (m->unused_n == 0)
		return -ENOSPC;
	*member = m->unused[--m->unused_n];
	m->members[*member] = (struct mix_member){
		.used = true, .gain = 1, .gain_next = 1, .coaches = MIX_NOBODY
	};
	return 0;
}

static void mix_forget(struct mix *m, uint32_t member)
{
	for (int kind = 0; kind < KINDS; kind++)
		rank_forget(&m->rank[kind], member);
}

/* Nobody else may become whom a coach speaks to, though the number is used again. */
void mix_leave(struct mix *m, uint32_t member)
{
	mix_member(m, member)->used = false;
	mix_forget(m, member);
	for (uint32_t i = 0; i < m->s.members; i++) {
		if (m->members[i].coaches == member)
			m->members[i].coaches = MIX_NOBODY;
	}
	m->unused[m->unused_n++] = member;
}

void mix_mute(struct mix *m, uint32_t member, bool muted)
{
	mix_member(m, member)->muted = muted;
	if (muted)
		mix_forget(m, member);
}

void mix_deafen(struct mix *m, uint32_t member, bool deaf)
{
	mix_member(m, member)->deaf = deaf;
}

int mix_gain(struct mix *m, uint32_t member, int db)
{
	if (db < -MIX_GAIN_DB_MAX || db > MIX_GAIN_DB_MAX)
		return -EINVAL;
	mix_member(m, member)->gain_next = powf(10, (float)db / 20);
	return 0;
}

int mix_coach(struct mix *m, uint32_t coach, uint32_t whom)
{
	struct mix_member *c = mix_member(m, coach);

	if (whom == coach ||
	    (whom != MIX_NOBODY && (whom >= m->s.members || !m->members[whom].used)))
		return -EINVAL;
	mix_forget(m, coach);
	c->coach = whom != MIX_NOBODY;
	c->coaches = whom;
	return 0;
}

void mix_note(struct mix *m, uint32_t member, uint8_t level)
{
	struct mix_member *of = mix_member(m, member);

	if (!of->muted)
		rank_note(&m->rank[of->coach ? COACHES : TALKS], member, level);
}

uint32_t mix_rank(struct mix *m, uint32_t members[2 * MIX_TALKERS_MAX])
{
	uint32_t n = 0;

	m->tick++;
	for (int kind = 0; kind < KINDS; kind++) {
		struct rank *r = &m->rank[kind];

		m->voices_n[kind] = 0;
		rank_tick(r);
		for (uint32_t i = 0; i < r->places; i++) {
			if (r->place[i] != RANK_NOBODY)
				members[n++] = r->place[i];
		}
	}
	return n;
}

static void mix_scale(const int16_t *pcm, int32_t *out, uint32_t n, struct ramp r)
{
	for (size_t i = gain_scale_wide(pcm, out, n, r); i < n; i++)
		out[i] = (int32_t)lrintf((float)pcm[i] * (r.from + (float)i * r.step));
}

static void mix_widen(const int16_t *pcm, int32_t *out, uint32_t n)
{
	for (size_t i = mix_widen_wide(pcm, out, n); i < n; i++)
		out[i] = pcm[i];
}

void mix_put(struct mix *m, uint32_t member, const int16_t *pcm)
{
	struct mix_member *of = mix_member(m, member);
	int kind = of->coach ? COACHES : TALKS;

	if (!rank_has(&m->rank[kind], member))
		return;
	for (uint32_t i = 0; i < m->voices_n[kind]; i++) {
		if (m->voices[kind][i].member == member)
			return;
	}

	struct mix_voice *v = &m->voices[kind][m->voices_n[kind]++];

	v->member = member;
	if (of->gain == 1 && of->gain_next == 1)
		mix_widen(pcm, v->in, m->samples);
	else
		mix_scale(pcm, v->in, m->samples,
			  (struct ramp){ .from = of->gain,
					 .step = (of->gain_next - of->gain) / (float)m->samples });
	of->gain = of->gain_next;
}

static void mix_add(int32_t *sum, const int32_t *in, uint32_t n)
{
	for (size_t i = mix_add_wide(sum, in, n); i < n; i++)
		sum[i] += in[i];
}

static void mix_less(const int32_t *sum, const int32_t *in, int32_t *out, uint32_t n)
{
	for (size_t i = mix_less_wide(sum, in, out, n); i < n; i++)
		out[i] = sum[i] - in[i];
}

/* Its limiter goes on from the shared one where it begins to hear something of its own. */
static void mix_own(struct mix *m, uint32_t member, struct limiter shared, int16_t *own)
{
	struct mix_member *of = &m->members[member];

	if (of->own_at + 1 != m->tick)
		of->limiter = shared;
	for (uint32_t i = 0; i < m->voices_n[COACHES]; i++) {
		struct mix_voice *v = &m->voices[COACHES][i];

		if (m->members[v->member].coaches == member)
			mix_add(m->part, v->in, m->samples);
	}
	limiter_frame(&of->limiter, m->s.rate, m->part, own, m->samples);
	of->own = own;
	of->own_at = m->tick;
}

/* ---- seams ---- */

/* A step of the sum is a click: it is a slope. */
static void mix_slope(int32_t *out, int32_t from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] += from * (int32_t)(n - i) / (int32_t)n;
}

static bool mix_ended(const struct mix *m, uint32_t member)
{
	for (uint32_t i = 0; i < m->ends_n; i++) {
		if (m->ends[i].member == member)
			return true;
	}
	return false;
}

static const struct mix_voice *mix_talks(const struct mix *m, uint32_t member)
{
	for (uint32_t i = 0; i < m->voices_n[TALKS]; i++) {
		if (m->voices[TALKS][i].member == member)
			return &m->voices[TALKS][i];
	}
	return NULL;
}

/* Who begins to be heard does not within a word, and who is heard no more leaves no step. False: nobody was. */
static bool mix_seams(struct mix *m)
{
	uint32_t n = m->s.rate / SEAM_PER_S;
	bool any = false;

	for (uint32_t i = 0; i < m->voices_n[TALKS]; i++) {
		struct mix_voice *v = &m->voices[TALKS][i];

		if (!mix_ended(m, v->member))
			mix_slope(v->in, -v->in[0], n);
	}
	for (uint32_t i = 0; i < m->ends_n; i++) {
		if (mix_talks(m, m->ends[i].member))
			continue;
		mix_slope(m->sum, m->ends[i].at, n);
		any = true;
	}
	m->ends_n = m->voices_n[TALKS];
	for (uint32_t i = 0; i < m->ends_n; i++) {
		const struct mix_voice *v = &m->voices[TALKS][i];

		m->ends[i] = (struct mix_end){ v->member, v->in[m->samples - 1] };
	}
	return any;
}

/* ---- guests ---- */

void mix_guest(struct mix *m, const int16_t *pcm)
{
	for (uint32_t i = 0; i < m->samples; i++)
		m->guests[i] = (m->guests_n ? m->guests[i] : 0) + pcm[i];
	m->guests_n++;
}

void mix_guest_heard(const struct mix *m, const int16_t *pcm, struct limiter *limiter, int16_t *out)
{
	int32_t less[MIX_SAMPLES_MAX];

	for (uint32_t i = 0; i < m->samples; i++)
		less[i] = m->sum[i] - pcm[i];
	limiter_frame(limiter, m->s.rate, less, out, m->samples);
}

static bool mix_guests_add(struct mix *m)
{
	bool any = m->guests_n > 0;

	if (any)
		mix_add(m->sum, m->guests, m->samples);
	m->guests_n = 0;
	return any;
}

bool mix_sum(struct mix *m)
{
	struct limiter before = m->limiter;
	size_t octets = m->samples * sizeof(m->sum[0]);
	bool ends, guests;

	memset(m->sum, 0, octets);
	ends = m->s.seams && mix_seams(m);
	guests = mix_guests_add(m);
	for (uint32_t i = 0; i < m->voices_n[TALKS]; i++)
		mix_add(m->sum, m->voices[TALKS][i].in, m->samples);
	limiter_frame(&m->limiter, m->s.rate, m->sum, m->shared, m->samples);
	for (uint32_t i = 0; i < m->voices_n[TALKS]; i++) {
		struct mix_voice *v = &m->voices[TALKS][i];

		mix_less(m->sum, v->in, m->part, m->samples);
		mix_own(m, v->member, before, v->own);
	}
	for (uint32_t i = 0; i < m->voices_n[COACHES]; i++) {
		struct mix_voice *v = &m->voices[COACHES][i];
		uint32_t whom = m->members[v->member].coaches;

		if (whom == MIX_NOBODY || m->members[whom].own_at == m->tick)
			continue;
		memcpy(m->part, m->sum, octets);
		mix_own(m, whom, before, v->own);
	}
	return m->voices_n[TALKS] > 0 || ends || guests;
}

struct mix_heard mix_heard(const struct mix *m, uint32_t member)
{
	const struct mix_member *of = &m->members[member];

	assert(member < m->s.members && of->used);
	if (of->deaf)
		return (struct mix_heard){ 0 };
	if (of->own_at == m->tick)
		return (struct mix_heard){ .pcm = of->own };
	return (struct mix_heard){ .pcm = m->shared, .shared = true };
}

const int16_t *mix_shared(const struct mix *m)
{
	return m->shared;
}

/* Somebody may have left behind the sum, or be coached by two. */
static uint32_t mix_apart_put(const struct mix *m, uint32_t member, uint32_t *members, uint32_t n)
{
	if (member == MIX_NOBODY || !m->members[member].used ||
	    m->members[member].own_at != m->tick)
		return n;
	for (uint32_t i = 0; i < n; i++) {
		if (members[i] == member)
			return n;
	}
	members[n] = member;
	return n + 1;
}

uint32_t mix_apart(const struct mix *m, uint32_t members[2 * MIX_TALKERS_MAX])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->voices_n[TALKS]; i++)
		n = mix_apart_put(m, m->voices[TALKS][i].member, members, n);
	for (uint32_t i = 0; i < m->voices_n[COACHES]; i++) {
		uint32_t coach = m->voices[COACHES][i].member;

		n = mix_apart_put(m, m->members[coach].coaches, members, n);
	}
	return n;
}
