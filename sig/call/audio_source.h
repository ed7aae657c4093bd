/* SPDX-License-Identifier: Apache-2.0 */
/* What the party of a leg hears: its peer in the bridge, or a sound of the node instead (FEATURES
 * CALL-08, MED-04). It is derived from the state of the call, only here, and not saved. Code that
 * changes a call need not care: each step ends with audio_source_settle. */
#ifndef SIG_CALL_AUDIO_SOURCE_H
#define SIG_CALL_AUDIO_SOURCE_H

#include "media/job.h"
#include "sig/model/call.h"

enum audio_source {
	AUDIO_SOURCE_PEER,
	AUDIO_SOURCE_MUSIC,  /* its peer holds it, or it is alone without an order */
	AUDIO_SOURCE_PLAY,   /* what an application asked for (prompts.h) */
	AUDIO_SOURCE_ITSELF, /* that is what an application asked for */
	AUDIO_SOURCE_ROOM,   /* the conference that it is in (conference.h) */
#define TONE(suffix, name) AUDIO_SOURCE_##suffix,
#include "sig/host/tones.def"
#undef TONE
};

enum audio_source audio_source_of(const struct call *c, uint8_t leg);
/* Selects the source's track in a codec that the party accepts on this line. Returns false without
 * such a track: the party hears its peer. */
bool audio_source_track(const struct call_host *h, const struct call *c, uint8_t leg, uint8_t line,
			struct flow_source *out);
/* Writes it to f.source. Settled at each step; SDP is parsed only if something has changed. */
void audio_source_choose(const struct call_host *h, const struct call *c, struct call_flow *f);
/* It takes that of the node, on its first line of sound. */
bool audio_source_takes(const struct call *c, uint8_t leg, enum media_codec codec);
/* Its track will be open soon: until then the party hears silence. */
bool audio_source_is_late(const struct call_host *h, const struct call *c, uint8_t leg);
/* What it takes of what the node can say, on its first line of sound. False: nothing. */
bool audio_source_codec(const struct call *c, uint8_t leg, enum media_codec *out);
/* The peer of a holding leg gets music, whatever direction the phone of the leg offers. */
bool audio_source_music_by(const struct call_host *h, const struct call *c, uint8_t holder);
/* Updates the engine where the source of a party has changed. */
void audio_source_settle(struct call_host *h, struct call *c);

#endif
