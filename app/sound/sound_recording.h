/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording of a tenant as a sound, by its name: recording:CALL-NUMBER. It lies in a folder of the day when it began, which is the day of
 * its call or one of the next: FOLDER/TENANT/DATE/CALL-NUMBER.wav, or in its segments, which are played one behind the other. For the helper that reads files.
 */
#ifndef APP_NODE_SOUND_RECORDING_H
#define APP_NODE_SOUND_RECORDING_H

#include "app/sound/sound_file.h"

#define SOUND_RECORDING_MARK "recording:"
/* What a member of a conference has said as its name: name:CALL-NUMBER, in FOLDER/.names/TENANT. */
#define SOUND_SPOKEN_MARK   "name:"
#define SOUND_SPOKEN_FOLDER ".names"

/* CALL-NUMBER. */
bool sound_recording_is_good(struct bytes name);
/* Of a name behind the mark. False: it is none. */
bool sound_recording_set(struct sound_name *out, struct bytes tenant, struct bytes file,
			 uint32_t rate_hz);
/* With one reference; NULL: fault says why. */
struct media_sound *sound_recording_read(const char *folder, const struct sound_name *name,
					 struct sound_fault *fault);

#endif
