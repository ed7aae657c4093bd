/* SPDX-License-Identifier: Apache-2.0 */
#include "app/sound/sound_tone.h"

#include <string.h>

enum {
	ENDLESS_MS = 1000, /* whole waves, of whatever frequency */
	BEEP_MS = 300,
	NOTE_MS = 150,
};

static const struct tone g_beep = { .count = 1, .steps = { { BEEP_MS, { { 1000, -100 } } } } };
/* Two notes, up when somebody comes and down when he leaves: short, and below speech. */
static const struct tone g_beep_entry = {
	.count = 2, .steps = { { NOTE_MS, { { 660, -180 } } }, { NOTE_MS, { { 880, -180 } } } }
};
static const struct tone g_beep_exit = {
	.count = 2, .steps = { { NOTE_MS, { { 880, -180 } } }, { NOTE_MS, { { 660, -180 } } } }
};

bool sound_tone_set(struct sound_name *out, struct bytes plan, enum tone_kind kind,
		    uint32_t rate_hz)
{
	const struct tone_plan *p = tone_plan_find(plan);

	memset(out, 0, sizeof(*out)); /* names are compared as octets */
	if (!p)
		return false;
	memcpy(out->file, p->name, strlen(p->name));
	out->tone = (uint8_t)(kind + 1);
	out->rate_hz = rate_hz;
	return true;
}

bool sound_beep_set(struct sound_name *out, struct bytes name, uint32_t rate_hz)
{
	memset(out, 0, sizeof(*out));
	out->kind = SOUND_BEEP;
	out->rate_hz = rate_hz;
	if (bytes_cstr(name, out->file, sizeof(out->file)))
		return false;
	return bytes_is(name, SOUND_BEEP_MARK) || bytes_is(name, SOUND_BEEP_ENTRY) ||
	       bytes_is(name, SOUND_BEEP_EXIT);
}

static const struct tone *sound_beep_of(const char *name)
{
	if (!strcmp(name, SOUND_BEEP_ENTRY))
		return &g_beep_entry;
	return strcmp(name, SOUND_BEEP_EXIT) ? &g_beep : &g_beep_exit;
}

static const struct tone *sound_tone_of(const struct sound_name *name)
{
	if (name->kind == SOUND_BEEP)
		return sound_beep_of(name->file);
	return &tone_plan_find(bytes_str(name->file))->tones[name->tone - 1];
}

struct media_sound *sound_tone_make(const struct sound_name *name, struct sound_fault *fault)
{
	const struct tone *tone = sound_tone_of(name);
	uint32_t period_ms = tone_period_ms(tone), ms = period_ms ? period_ms : ENDLESS_MS;
	struct media_sound *s = media_sound_make(name->rate_hz, ms * (name->rate_hz / 1000));

	*fault = (struct sound_fault){ .reason = s ? NULL : "no memory" };
	if (s)
		tone_render(tone, name->rate_hz, 0, s->samples, s->length);
	return s;
}
