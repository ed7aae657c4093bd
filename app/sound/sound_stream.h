/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording of another node as a sound while its octets arrive (docs/adr/0122): the sound grows
 * as the files do, segment by segment. app/deliver/copy_fetch.c brings them, and locks a file
 * meanwhile: ID.fetch. The file is deleted when all was brought: an unlocked one is left of a
 * process that died, or could not bring all. For the helper thread that reads files.
 */
#ifndef APP_SOUND_SOUND_STREAM_H
#define APP_SOUND_SOUND_STREAM_H

#include "app/sound/sound_file.h"

struct sound_stream;

#define SOUND_LACKS "it did not arrive as a whole"

/* NULL: nothing that can be played arrives; it may be complete. folder: of fetched recordings. */
struct sound_stream *sound_stream_open(const char *folder, const struct sound_name *name);
/* It is incomplete: it is being brought, or the process that brought it did not get all. */
bool sound_stream_lacks(const char *folder, const struct sound_name *name);
/* One reference, the stream's. */
struct media_sound *sound_stream_sound(struct sound_stream *s);

enum sound_stream_state {
	SOUND_STREAM_MORE,  /* there may be more at once */
	SOUND_STREAM_WAITS, /* all that there is was read */
	SOUND_STREAM_OVER,  /* the sound is whole, or cut: fault says why */
};

/* Some of what has arrived. */
enum sound_stream_state sound_stream_step(struct sound_stream *s, struct sound_fault *fault);
/* The sound stays. */
void sound_stream_close(struct sound_stream *s);

#endif
