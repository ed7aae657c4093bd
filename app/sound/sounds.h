/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sounds of tenants' files, each read once and shared by all players. A helper thread reads, so
 * that no disk delays a call: the first caller asks again when the sound is there. Unused sounds
 * make room, the longest unused first. Control thread, but for the helper.
 */
#ifndef APP_SOUND_SOUNDS_H
#define APP_SOUND_SOUNDS_H

#include "app/sound/prompt_cache.h"
#include "app/sound/sound_file.h"
#include "dsp/tone.h"

struct sounds;

struct sounds_settings {
	const char *folder;     /* need not exist yet */
	const char *recordings; /* outlives this; NULL: none are played */
	/* Likewise, with .prompts of the package; NULL: none. */
	const char *shipped;
	const char *prompts; /* their folder, of documents; NULL: none */
	const char *speech;  /* likewise, of texts spoken by an engine; outlives this */
	/* Result of sounds_work, from sounds_round; the receiver frees it. */
	void (*on_work)(struct prompt_work *work, void *arg);
	void *arg;
	uint32_t count;       /* sounds in memory at most */
	uint64_t octets_max;  /* of their samples */
	uint64_t octets_idle; /* ... while some of them are unused */
	uint64_t again_ns;    /* an unusable file is tried again so long afterwards */
};

enum sounds_answer {
	SOUNDS_HERE,
	SOUNDS_LATER, /* it is being read */
	SOUNDS_NONE,  /* the fault says why */
};

/* 0 or -errno. */
int sounds_open(struct sounds **out, const struct sounds_settings *settings) NODISCARD;
/* Waits for reads under way. Sounds stay valid by their references. */
void sounds_close(struct sounds *s);
/* HERE: *out is one reference, the caller's. NONE: *fault. */
enum sounds_answer sounds_get(struct sounds *s, const struct sound_name *name, uint64_t now_ns,
			      struct media_sound **out, struct sound_fault *fault);
/* A text of that hash was spoken, or could not be: it is looked for again. */
void sounds_on_rendered(struct sounds *s, const char *hash);
/* The document's hash of a prompt that is here; "": none. */
const char *sounds_hash(const struct sounds *s, const struct sound_name *name);
/* Queues work for the helper, in order. False: it has enough, and the work stays the caller's. */
bool sounds_work(struct sounds *s, struct prompt_work *work) NODISCARD;
/* Readable when sounds were read: then sounds_round. */
int sounds_fd(const struct sounds *s);
/* Returns the number of sounds that were read or failed. Waiting callers ask again. */
uint32_t sounds_round(struct sounds *s, uint64_t now_ns);
/* All files are of that folder from now on, and read anew: they may have changed. 0 or -ENOMEM. */
int sounds_folder_set(struct sounds *s, const char *folder) NODISCARD;

/* A tone of a national plan as a sound that repeats without a click (dsp/tone.h).
 * For the helper thread. */

/* False: there is no such plan. */
bool sound_tone_set(struct sound_name *out, struct bytes plan, enum tone_kind kind,
		    uint32_t rate_hz);
/* The beep before a message is recorded, once. */
#define SOUND_BEEP_MARK "beep"
/* Tones for all in a conference when a member joins, and when it leaves. */
#define SOUND_BEEP_ENTRY "beep-entry"
#define SOUND_BEEP_EXIT  "beep-exit"
bool sound_beep_set(struct sound_name *out, struct bytes name, uint32_t rate_hz);
/* With one reference; NULL: fault says why. */
struct media_sound *sound_tone_make(const struct sound_name *name, struct sound_fault *fault);

#endif
