/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WAV file of a tenant as a sound. Takes as long as a disk does: not for control's thread. Of a file that cannot be used it is
 * known where it is wrong and why.
 */
#ifndef APP_NODE_SOUND_FILE_H
#define APP_NODE_SOUND_FILE_H

#include "media/sound.h"

enum {
	SOUND_NAME_MAX = 64,
	SOUND_FILE_MAX = 64 << 20, /* octets */
	SOUND_SECONDS_MAX = 600,
};

/* FOLDER/TENANT/FILE, at a rate of our choice: sound_name_set. Or a tone: sound_tone.h. */
struct sound_name {
	char tenant[SOUND_NAME_MAX + 1];
	char file[SOUND_NAME_MAX + 1];
	uint32_t rate_hz;
	uint8_t tone; /* enum tone_kind + 1: of the plan that file names; 0: a file */
};

struct sound_fault {
	const char *reason; /* a constant phrase; NULL: nothing is wrong */
	uint64_t at;        /* octets from the beginning of the file */
};

/* False: too long, empty, or with what might lead out of the folder. Letters, digits and ._- are names, no dot in front. */
bool sound_name_set(struct sound_name *out, struct bytes tenant, struct bytes file,
		    uint32_t rate_hz);
/* With one reference; NULL: fault says why. folder: a descriptor. */
struct media_sound *sound_file_read(int folder, const struct sound_name *name,
				    struct sound_fault *fault);

#endif
