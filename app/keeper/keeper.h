/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process beside the node that has its floating addresses (docs/adr/0022): it adds them to
 * interfaces, announces them, and deletes them; all of them when the node is gone, however it went.
 * Then it sends datagrams that the node left with it, which tell others of the death.
 *
 * It is forked before there are threads, sockets and keys. It keeps CAP_NET_ADMIN and CAP_NET_RAW;
 * the node may give them up. It holds a lock in the state directory until it has deleted all: the
 * keeper of the node's next start does nothing before, and kills one that hangs.
 *
 * It also has duplicates of the media sockets (app/keeper/sockets.h), and holds them for a while
 * after the node. An address that the machine already has (loopback, or configured by hand) is used
 * as it is.
 */
#ifndef APP_KEEPER_KEEPER_H
#define APP_KEEPER_KEEPER_H

#include <assert.h>
#include <stddef.h>
#include <sys/types.h>

#include "app/keeper/hook.h"
#include "base/addr.h"
#include "base/bytes.h"
#include "base/remains.h"
#include "engine/port/egress.h"

enum {
	KEEPER_ADDRESSES_MAX = 64,
	KEEPER_PEERS_MAX = 64,
	KEEPER_DATAGRAM_MAX = 1200,
	KEEPER_INTERFACE_MAX = 16, /* IFNAMSIZ */
	KEEPER_FDS_MAX = REMAINS_FDS_MAX,
};

enum keeper_event {
	KEEPER_BACKSTOP, /* fds: of engine/port/egress.h, to join or close */
	KEEPER_TAKEN,    /* error 0: the machine has the address */
	KEEPER_LEFT,     /* error 0: not from us any more */
	KEEPER_HOOKED,   /* error: enum hook_result of a run that has ended */
	KEEPER_REMAINS,  /* fds and word: of the former process, likewise; once at the start */
	KEEPER_DIED,     /* addresses stay where they are until the node is started again */
};

struct keeper_answer {
	enum keeper_event event;
	/* -EPERM; -ENODEV: no interface for it, so networks[].interface must name one; or -errno */
	int error;
	bool hooked; /* it is not moved here, but the address hook is told */
	/* The machine has it anyhow: it is neither added nor deleted. */
	bool standing;
	/* Its interface asks for neighbours with any address, and that could not be changed. */
	bool may_flip;
	struct addr address;
	char interface[KEEPER_INTERFACE_MAX];
	uint32_t fd_count;
	int fds[KEEPER_FDS_MAX];
	uint32_t word_n;
	uint8_t word[REMAINS_WORD_MAX]; /* of KEEPER_REMAINS */
};

static_assert((int)EGRESS_FDS_MAX <= (int)KEEPER_FDS_MAX, "all of a backstop at once");

typedef void keeper_answer_fn(const struct keeper_answer *answer, void *arg);
struct keeper;

/* An address that it may be told to take: what an earlier keeper left of it is deleted first. */
struct keeper_address {
	struct addr ip;
	uint8_t place; /* in base/validity.h: the lease that says until when it may speak */
	uint16_t shard;
	char interface[KEEPER_INTERFACE_MAX]; /* as in keeper_claim */
};

struct keeper_settings {
	const char *dir; /* node.state_dir; the caller holds its lock */
	const struct keeper_address *addresses;
	uint32_t count;
	struct addr beside; /* an address of no interface's network goes to the one that has this */
	uint32_t flows;     /* flows with held sockets (app/keeper/sockets.h); 0: none */
	const char *hook;   /* of app/keeper/hook.h; NULL: none */
	const char *node;   /* its name, for that */
};

/* Before there are threads. 0 or -errno. */
int keeper_fork(struct keeper **out, const struct keeper_settings *s) NODISCARD;
/* Makes the end of this process visible at once, however much memory it has: a process that shares
 * the memory, and ends with it, frees it. Before there are threads, by the main thread. 0 or
 * -errno. */
int keeper_hold_memory(void) NODISCARD;
/* The loop is open: answers come from now on. 0 or -errno. */
int keeper_watch(struct keeper *k, keeper_answer_fn *fn, void *arg) NODISCARD;
/* Orders. The first two are answered. interface "": that of the address' network. 0, -EAGAIN (too
 * many at once) or -EPIPE. */
int keeper_claim(struct keeper *k, const struct addr *address, const char *interface) NODISCARD;
int keeper_leave(struct keeper *k, const struct addr *address) NODISCARD;
/* Datagram for peer when the node has died, in place of the former one; empty: none. */
int keeper_gone(struct keeper *k, const struct addr *peer, struct bytes datagram) NODISCARD;
/* Of KEEPER_REMAINS: what the former process left in the kernel, now the caller's.
 * Nothing: fd_count is 0. */
void keeper_answer_remains(const struct keeper_answer *a, struct remains *out);
/* Waits for that answer, at most so long. Other answers are delivered as always. */
void keeper_remains_await(struct keeper *k, struct remains *out, uint64_t patience_ns);
/*
 * What goes on in the kernel when this process is gone, in place of all former remains, as long as
 * sockets are held. The keeper has duplicates; the descriptors stay the caller's, in the order of
 * engine_remains: before others hear that this node is dead, forwarding for its shards ends. 0,
 * -EAGAIN or -EPIPE.
 */
int keeper_remain(struct keeper *k, const struct remains *r) NODISCARD;
/* For sockets_open; owned by the keeper. -1: none. */
int keeper_sockets_fd(const struct keeper *k);
/* The node ends: nothing leaves from its addresses. Waits some ms until they are deleted. */
void keeper_close(struct keeper *k);

/* Messages of node and keeper over a SOCK_SEQPACKET pair: an order, or struct keeper_answer. */

enum keeper_word { KEEPER_CLAIM, KEEPER_LEAVE, KEEPER_GONE, KEEPER_REMAIN };

/* Sent up to its datagram's end. Of KEEPER_REMAIN that is the word, and has descriptors. */
struct keeper_order {
	enum keeper_word word;
	char interface[KEEPER_INTERFACE_MAX];
	struct addr address;
	uint8_t datagram[KEEPER_DATAGRAM_MAX];
};

static_assert((int)REMAINS_WORD_MAX <= (int)KEEPER_DATAGRAM_MAX, "a word is in an order");

/* The keeper's side; sockets: of sockets_kept_open, or -1.
 * Returns when the node is gone and all is done. */
void keeper_run(int orders, int sockets, const struct keeper_settings *s);

/* Sends to an end of a socket pair, unless its peer is gone; the descriptors stay the sender's. */
void keeper_answer_send(int to, const struct keeper_answer *answer, const int *fds, uint32_t count);

/* The node: a signal that ends the process is an end of these orders first; -1: no more. */
void keeper_on_crash_notify(int orders);

#endif
