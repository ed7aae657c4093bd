/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The children that move copies (docs/adr/0048): one brings new octets to the neighbour, and one
 * for each node takes its copies here. They may block as long as they like. Their counts are in
 * memory shared with the process.
 */
#ifndef APP_DELIVER_COPY_WORK_H
#define APP_DELIVER_COPY_WORK_H

#include <signal.h>
#include <stdatomic.h>

#include "app/deliver/copy.h"
#include "app/deliver/folder.h"
#include "app/deliver/terms.h"
#include "app/record/aes128gcm.h"
#include "base/addr.h"
#include "base/rand.h"
#include "cluster/peer/channel.h"

/* A sealed link between the storing processes of two nodes: over the address for other nodes, with
 * hellos and frames as in cluster/peer/channel.h, in both directions. It blocks: for children
 * alone. */

/* This node. */
struct copy_self {
	uint64_t id, incarnation;
	uint8_t key[PEER_KEY_LEN]; /* of the cluster, for this alone */
};

struct copy_link {
	int fd;
	uint64_t other; /* who is there */
	bool proven;
	struct channel_key out, in;
	uint8_t frame[CHANNEL_FRAME_MAX], text[PARCEL_MAX];
};

enum { COPY_HELLO_S = 5 }; /* until the peer has proved that it has the key */

/* 0 or -errno; what is opened is closed then. seconds: for each step, until it is open. */
int copy_link_connect(struct copy_link *l, const struct copy_self *self, const struct addr *to,
		      uint64_t other, int seconds, struct rand_source *rand) NODISCARD;
/* asks: the other's hello, which the node has read. */
int copy_link_accept(struct copy_link *l, const struct copy_self *self, int fd,
		     const uint8_t asks[CHANNEL_HELLO_LEN], struct rand_source *rand) NODISCARD;

/* For each step from now on. */
int copy_link_patience(const struct copy_link *l, int seconds) NODISCARD;
/* Overwrites the keys. */
void copy_link_close(struct copy_link *l);
int copy_link_send(struct copy_link *l, const struct copy_message *m) NODISCARD;
/* m->data is valid until the next. 0, -ETIMEDOUT, -ECONNRESET, or -EBADMSG: not of this cluster. */
int copy_link_receive(struct copy_link *l, struct copy_message *m) NODISCARD;
struct copy_message copy_message_of(enum copy_kind kind, const char *path);

enum { COPY_TAKERS_MAX = 64 };

struct copy_shared {
	/* of the one that brings */
	_Atomic uint64_t whole_ms; /* when all that should be there was */
	_Atomic uint64_t begun;    /* rounds, of one child after the other */
	_Atomic uint64_t whole;    /* the last of those after which all was there; 0: none */
	_Atomic uint64_t sent;     /* octets */
	_Atomic uint64_t refused;  /* the neighbour had no room */
	/* of those that take */
	_Atomic uint64_t held; /* octets of others' */
	_Atomic uint64_t full; /* times that one was refused */
	struct copy_taken {
		_Atomic uint64_t other; /* who brings; 0: has not proved it */
		_Atomic uint64_t received_ms;
	} taken[COPY_TAKERS_MAX];
};

/* Ends a pause between two rounds. It is blocked in the process and its children, and so is kept
 * where it comes during a round. */
#define COPY_WAKE SIGUSR1
void copy_wakes(sigset_t *set); /* it alone */
/* Until it fails. -errno. */
int copy_send(const struct terms *terms, struct copy_link *link, struct copy_shared *shared);
/* Deletes copies at the peer that are not needed any more, as a neighbour has all. 0 or -errno. */
int copy_clear(const struct terms *terms, struct copy_link *link, struct copy_shared *shared);
int copy_receive(const struct terms *terms, struct copy_link *link, struct copy_shared *shared,
		 struct copy_taken *slot);

/* A recording of another node to play here: its files go into FOLDER/.fetched, under their names
 * there. path: TENANT/DATE/CALL-NUMBER, of any date. */
#define COPY_FETCHED  ".fetched"
#define COPY_ANY_DAY  "0000-00-00"
#define COPY_ANY_KIND ".any" /* behind an id: as Opus and encrypted, too */
enum { COPY_SEGMENTS = 64 };
/* A file of a recording, by the name of its content, also if it is encrypted for nodes. */
struct copy_source {
	int fd;                       /* -1: it is not open */
	struct aes128gcm_file sealed; /* if it is encrypted */
	uint64_t octets;              /* of what is in it */
	char path[QUEUE_PATH_MAX];    /* ... which the log names */
};
/* path: TENANT/DATE/FILE, of which the key is. 0, -ENOENT, -EBADMSG or -errno. */
int copy_source_open(struct copy_source *s, const struct terms *terms, const char *file,
		     const char *path) NODISCARD;
/* Begins an open file that is encrypted for nodes; s->octets of it are there. 0; -EAGAIN: its head
 * is not there yet; -EBADMSG or -errno. */
int copy_source_unseal(struct copy_source *s, const struct terms *terms,
		       const char *path) NODISCARD;
/* As pread. -EBADMSG: it was changed, or has another key; -errno. */
ssize_t copy_source_read(struct copy_source *s, void *out, size_t n, uint64_t at) NODISCARD;
void copy_source_close(struct copy_source *s);
typedef void copy_found_fn(struct copy_source *s, const char *folder, const char *path, void *arg);
/* What there is here, and of copies. */
void copy_find(const struct terms *terms, const char *path, copy_found_fn *fn, void *arg);
/* Of another node's COPY_FIND, before COPY_DONE, and of its COPY_READ. 0 or -errno. */
int copy_find_answer(const struct terms *terms, struct copy_link *link, const char *path);
struct copy_reader {
	struct copy_source of;
	char path[QUEUE_PATH_MAX];
};
int copy_read_answer(struct copy_reader *r, const struct terms *terms, struct copy_link *link,
		     const struct copy_message *m);
/* From one node after the other, until all is there: each continues where the last one stopped.
 * While it is open a file is locked, FOLDER/.fetched/TENANT/0000-00-00/ID.fetch: so a player knows
 * that more may come (app/sound/sound_stream.h). */
enum copy_fetch_event {
	COPY_FETCH_BEGINS, /* its beginning is there */
	/* No node has all of it: it is read from its store, which may hang. */
	COPY_FETCH_STORED,
};
/* A listener hears silence meanwhile, and another node may have it. */
enum { COPY_FETCH_PATIENCE_S = 10 };
struct copy_fetch {
	const struct terms *terms;
	int lock;
	char name[FOLDER_PATH_MAX]; /* of the file that is locked */
	uint64_t called_ms;         /* of the recording or its call; else undefined */
	bool named;                 /* the file is: its day is known */
	int tell;     /* enum copy_fetch_event are written there, an octet each; -1: nowhere */
	bool told;    /* that it begins */
	bool any;     /* some file of it is there as a whole */
	bool cut;     /* a store has begun it, and has not given all */
	bool refused; /* a store refuses to read it, or to say whether it exists */
	struct fetch_file {
		char path[QUEUE_PATH_MAX];
		uint64_t octets;
		bool begun, whole;
	} files[2 * COPY_SEGMENTS];
	uint32_t count;
};
/* What lies here encrypted for nodes. 0 or -errno. */
int copy_fetch_source(struct copy_fetch *f, struct copy_source *s, const char *path) NODISCARD;
/* Fetches from the tenant's stores. COPY_FETCH_PATIENCE_S without data end the process. */
void copy_fetch_stored(struct copy_fetch *f, const char *path);
/* Waits while another process brings it. 0 or -errno; close it anyway. */
int copy_fetch_open(struct copy_fetch *f, const struct terms *terms, const char *path,
		    int tell) NODISCARD;
/* All files that any node reported are there. */
bool copy_fetch_whole(const struct copy_fetch *f);
void copy_fetch_close(struct copy_fetch *f);
/* Unasked, to the waiting caller. */
void copy_fetch_say(const struct copy_fetch *f, enum copy_fetch_event what);
/* Enough of that file is there for playback. */
void copy_fetch_result(struct copy_fetch *f, const char *path);
/* From the other end of a new link, which is closed then. 0, -ENOENT or -errno. */
int copy_fetch(struct copy_fetch *f, struct copy_link *link, const char *path);
/* Where it lies; the folders are made. 0 or -errno. */
int copy_fetched(const struct terms *terms, const char *path, const char *ending,
		 char out[FOLDER_PATH_MAX]) NODISCARD;

/* FOLDER/.copies/NODE; NODE 0: all. */
void copy_folder(char out[FOLDER_PATH_MAX], const char *folder, uint64_t node);

#endif
