/* SPDX-License-Identifier: Apache-2.0 */
/* Media that the node sends to parties: music, announcements, plays, conferences, live sound. */
#ifndef APP_NODE_NODE_MEDIA_H
#define APP_NODE_NODE_MEDIA_H

#include "app/effect/media_queue.h"
#include "app/effect/mixers.h"
#include "app/effect/player.h"
#include "app/effect/plays.h"
#include "app/node/node_capacity.h"
#include "engine/dtls/certificate.h"

struct engine;
struct node;
struct sounds;

enum {
	/* Besides two for each call: those of plays, then of mixers; the players' are first. */
	NODE_SHARED_JOBS = (int)SHARD_TRACKS * (int)PLAYER_JOBS
};

/* So long the former process may hold media ports: they are bound beside its sockets. */
#define BIND_AGAIN_NS (5 * NS_PER_S)

#define MUSIC_OFF "off"
/* What the package brings of prompts, in its folder .prompts (deploy/prompts/make.py). */
#define NODE_SHIPPED_SOUNDS "/usr/share/tandem/sounds"

/* A file that some extensions of a tenant chose. */
struct music_choice {
	char tenant[TENANT_NAME_MAX];
	char file[SOUND_NAME_MAX + 1];
	uint32_t users; /* 0: the place is free */
};

struct node_media {
	struct certificate certificate; /* of DTLS-SRTP */
	struct engine *engine;
	struct shared_ports shared_ports;
	struct media_queue queue;
	struct plays plays;
	struct mixers mixers;
	struct lives lives;
	struct sounds *sounds;                     /* NULL: not open yet */
	char speech[SETTINGS_PATH_MAX];            /* the folder of texts spoken by an engine */
	struct player players[SHARD_TRACKS];       /* by enum shard_track */
	struct music_choice choices[SHARD_TRACKS]; /* files from SHARD_TRACK_FILES on */
	bool players_started;
};

/* The folder of sounds, after the engine; nothing is played yet. 0 or -errno. */
int node_players_open(struct node *n) NODISCARD;
/* All calls are there. */
void node_players_start(struct node *n);
/* SIGHUP: folder and files again. */
void node_players_reload(struct node *n);
/* The call-waiting tone, as settings.media.tones has it. */
void node_call_waiting_tone(const struct node *n, struct shard_settings *out);
/* An extension chose that file: returns the track that plays it from now on; "": the node's, "off":
 * none. Without a free track for another file it is the node's, too. */
uint8_t node_music_track(struct node *n, const char *tenant, const char *file);
/* It does so no longer. */
void node_music_leave(struct node *n, const char *tenant, const char *file);
/* An event of a job, perhaps of a player's. */
void node_players_event(struct node *n, const struct media_event *event, uint64_t now_ns);
/* Time passes. */
void node_players_beat(struct node *n, uint64_t now_ns);
/* The shards' commands to the engine were sent. */
void node_players_round(struct node *n);
void node_lives_close(struct node *n);   /* before the engine, which it reads */
void node_players_close(struct node *n); /* after the engine */

#endif
