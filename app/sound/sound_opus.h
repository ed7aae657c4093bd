/* SPDX-License-Identifier: Apache-2.0 */
/* A file of Opus in Ogg as a sound: for the helper that reads files, as decoding takes its time. */
#ifndef APP_NODE_SOUND_OPUS_H
#define APP_NODE_SOUND_OPUS_H

#include "app/sound/sound_file.h"

/* With one reference; NULL: fault says why. A rate that Opus has: 8000, 12000, 16000, 24000 or 48000. */
struct media_sound *sound_opus_make(struct bytes file, uint32_t rate_hz, struct sound_fault *fault);

#endif
