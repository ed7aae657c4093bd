/* SPDX-License-Identifier: Apache-2.0 */
/* A tone of a national plan as a sound that repeats without a click (dsp/tone.h). For the helper that reads files, too: a sine costs time. */
#ifndef APP_NODE_SOUND_TONE_H
#define APP_NODE_SOUND_TONE_H

#include "app/sound/sound_file.h"
#include "dsp/tone.h"

/* False: there is no such plan. */
bool sound_tone_set(struct sound_name *out, struct bytes plan, enum tone_kind kind,
		    uint32_t rate_hz);
/* What is heard before a message is recorded, once. */
#define SOUND_BEEP_MARK "beep"
/* What all in a conference hear when somebody comes, and when he leaves. */
#define SOUND_BEEP_ENTRY "beep-entry"
#define SOUND_BEEP_EXIT  "beep-exit"
bool sound_beep_set(struct sound_name *out, struct bytes name, uint32_t rate_hz);
/* With one reference; NULL: fault says why. */
struct media_sound *sound_tone_make(const struct sound_name *name, struct sound_fault *fault);

#endif
