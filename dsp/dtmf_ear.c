/* SPDX-License-Identifier: Apache-2.0 */
/* spandsp's detector. Its first init fills tables that all share, behind a flag that is not guarded. */
#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include <spandsp/telephony.h>

#include <spandsp/complex.h>
#include <spandsp/logging.h>
#include <spandsp/queue.h>
#include <spandsp/super_tone_rx.h>
#include <spandsp/tone_detect.h>
#include <spandsp/tone_generate.h>

#include <spandsp/dtmf.h>

#include <spandsp/private/logging.h>
#include <spandsp/private/queue.h>
#include <spandsp/private/tone_generate.h>

#include <spandsp/private/dtmf.h>

#include "dsp/dtmf.h"

static_assert(sizeof(dtmf_rx_state_t) <= sizeof(((struct dtmf_ear *)0)->state),
	      "spandsp's state fits");
static_assert(alignof(dtmf_rx_state_t) <= 8, "and its alignment");

static pthread_once_t g_once = PTHREAD_ONCE_INIT;

static dtmf_rx_state_t *dtmf_ear_state(struct dtmf_ear *e)
{
	return (dtmf_rx_state_t *)(void *)e->state;
}

static void dtmf_ear_first(void)
{
	static dtmf_rx_state_t state;

	(void)dtmf_rx_init(&state, NULL, NULL);
}

static void dtmf_ear_add(struct dtmf_ear *e, char digit, bool ends)
{
	assert(e->count < DTMF_EVENTS_MAX);
	e->events[e->count++] = (struct dtmf_event){ .digit = digit, .ends = ends };
}

/* code: the digit, or 0 when none is heard any more. */
static void dtmf_ear_report(void *user, int code, int level, int delay)
{
	struct dtmf_ear *e = user;

	(void)level;
	(void)delay;
	if (e->digit)
		dtmf_ear_add(e, e->digit, true);
	e->digit = (char)code;
	if (e->digit)
		dtmf_ear_add(e, e->digit, false);
}

void dtmf_ear_open(struct dtmf_ear *e)
{
	(void)pthread_once(&g_once, dtmf_ear_first);
	memset(e, 0, sizeof(*e));
	(void)dtmf_rx_init(dtmf_ear_state(e), NULL, NULL);
}

/* The state may have been moved since: it is told anew where it is. */
uint32_t dtmf_ear_hear(struct dtmf_ear *e, const int16_t *pcm, uint32_t n)
{
	dtmf_rx_state_t *s = dtmf_ear_state(e);

	assert(n <= DTMF_FRAME_MAX);
	e->count = 0;
	dtmf_rx_set_realtime_callback(s, dtmf_ear_report, e);
	(void)dtmf_rx(s, pcm, (int)n);
	return e->count;
}
