/* SPDX-License-Identifier: Apache-2.0 */
/* What overlays (overlay.h) know of each other: codecs, and what is done with them. Private to them. */
#ifndef ENGINE_JOB_OVERLAY_VOICE_H
#define ENGINE_JOB_OVERLAY_VOICE_H

#include "base/bytes.h"
#include "engine/job/overlay.h"

/* All that the party takes. What cannot be had is not there. */
void overlay_voices_open(struct overlay *o);
void overlay_voices_close(struct overlay *o);
/* The tone is said by that one from now on, and what it did before is forgotten. False: there is none. */
bool overlay_voice_take(struct overlay *o, uint8_t codec);
/* The tone is over. Nothing waits for the voice. */
void overlay_voice_give(struct overlay *o);
/* By the payload type of what the party gets; MEDIA_CODECS: none that is spoken. */
uint8_t overlay_codec_of(const struct overlay *o, uint8_t payload_type);

/* The packet decoded, with the tone where add is true, and encoded into l->octets. Octets; 0: it cannot be, and has to stay what it is. */
uint32_t overlay_voice_mix(struct worker *w, struct overlay *o, struct bytes payload,
			   uint32_t timestamp, bool add);
/* n samples of the line's pcm encoded into l->octets. Octets; 0: that many cannot be. */
uint32_t overlay_voice_encode(struct overlay_line *l, struct overlay_voice *v, uint32_t n);
/* The tone is added to samples that are sent under that timestamp. */
void overlay_mix(struct overlay *o, uint32_t timestamp, struct overlay_samples s);
/* It sounds, and 20 ms more have passed: where nothing comes for the party the tone is made. */
void overlay_tick(struct worker *w, struct overlay *o, struct flow *f);
/* The tone alone, from so many ms of it on. */
void overlay_tone_render(const struct overlay *o, uint32_t at_ms, struct overlay_samples s);

#endif
