/* SPDX-License-Identifier: Apache-2.0 */
/* The door to the media workers for app/. Control thread only, unless said otherwise. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/ring.h"
#include "media/tap.h"

struct engine;
struct capture_order;
struct capture_packet;

enum engine_port {
	ENGINE_PORT_AUTO, /* io_uring where it is allowed, else epoll; the log says which */
	ENGINE_PORT_URING,
	ENGINE_PORT_EPOLL,
	ENGINE_PORT_DPDK,
	ENGINE_PORT_XDP,
};

/* Whether the kernel forwards ordinary RTP by itself (docs/adr/0064). */
enum engine_forward {
	ENGINE_FORWARD_OFF,
	ENGINE_FORWARD_AUTO, /* where a frame surely leaves by the interface that it came by */
	ENGINE_FORWARD_ON,   /* by all interfaces, and from one to another */
};

struct own_name;
struct remains;
struct port_dpdk_settings;
struct port_xdp_network;

struct certificate;
struct validity;
struct xdp_guard;

struct engine_settings {
	uint32_t
		workers; /* threads, 1 to 16; all flows of a call are on one: the one with the least load at the first */
	uint32_t slots;    /* flow slots over all networks (pairs of ports) */
	uint32_t jobs;     /* job slots (media/job.h) */
	uint32_t commands; /* ring capacities, of each worker */
	uint32_t
		shared_ports; /* sockets for many flows, of each worker: one for each network, at most 16; 0: no single-port mode */
	uint32_t events;
	/* How long a packet may wait for others to share one system call with; 0: the default, 1000. */
	uint32_t batch_wait_us;
	/* How coders work (engine/worker/transcoder.h); 0: the default. */
	uint32_t coding;
	enum engine_port port;
	/* ENGINE_PORT_DPDK (engine/port/port_dpdk.h); needed until engine_open returns. worker, workers and count are filled in. */
	const struct port_dpdk_settings *dpdk;
	/* ENGINE_PORT_XDP (engine/port/port_xdp.h); needed until engine_open returns. */
	const struct port_xdp_network *xdp_networks;
	uint32_t xdp_network_count;
	/* By which addresses others know ours (1:1 NAT); needed until engine_open returns. */
	const struct own_name *names;
	uint32_t name_count;
	/* Who we are in DTLS-SRTP (engine/dtls/certificate.h); needed until engine_open returns. NULL: no flow has a dtls.role. */
	const struct certificate *certificate;
	struct validity
		*validity; /* by flow_spec.place; it outlives the engine. NULL: all may speak */
	/* ENGINE_PORT_XDP: of the SIP ports (engine/port/xdp_guard.h), which come in there as well; NULL: none. */
	const struct xdp_guard *guard;
	enum engine_forward xdp_forward; /* ENGINE_PORT_XDP */
	uint64_t xdp_forward_alive_ns;   /* so long after the last sign of life of a worker */
	/* ENGINE_PORT_XDP: what engine_remains of the process before said; needed until engine_open returns. What is taken of it is -1 then. NULL:
	 * nothing. */
	struct remains *left;
	uint32_t kept_version; /* filled in */
};

/* Of a receive buffer: octets of packets, as SO_RCVBUF counts. */
struct engine_room {
	uint32_t asked, granted;
};

/* Starts the workers. 0 or -errno (-ENOSYS: io_uring was asked for and is not allowed here; the log says what to do). */
int engine_open(struct engine **out, const struct engine_settings *settings) NODISCARD;
/* What goes on in the kernel while somebody else has duplicates of it, for the next process: the descriptors are the caller's. */
void engine_remains(const struct engine *e, struct remains *out);
/* 0 at first; another one when that has changed, as an interface was made again. */
uint32_t engine_remains_change(const struct engine *e);
/* Stops and joins them; every flow's sockets are closed. */
void engine_close(struct engine *e);
/* Another batch_wait_us, above 0; each worker has it within a second. */
void engine_batch_wait(struct engine *e, uint32_t us);
/* Another coding, not 0, likewise. */
void engine_coding(struct engine *e, uint32_t coding);
/* Binds the pair for an OPEN: 0 and *rtp_fd, *rtcp_fd (-1 without an RTCP address), or -errno. */
int engine_bind(const struct addr *rtp, const struct addr *rtcp, uint8_t dscp, int *rtp_fd,
		int *rtcp_fd) NODISCARD;
/* The same for the first seconds of a process: also beside sockets of a killed one of the same user, whose ports the kernel
 * has not freed yet. */
int engine_bind_again(const struct addr *rtp, const struct addr *rtcp, uint8_t dscp, int *rtp_fd,
		      int *rtcp_fd) NODISCARD;
/* The same of an address that is not this machine's yet. */
int engine_bind_ahead(const struct addr *rtp, const struct addr *rtcp, uint8_t dscp, int *rtp_fd,
		      int *rtcp_fd) NODISCARD;
/*
 * Sockets that were bound so before, by a process that is gone, as if they were new: tied to no party. What came meanwhile waits in them;
 * stale: it is dropped. rtcp_fd -1: there is none.
 */
void engine_bound_before(int rtp_fd, int rtcp_fd, uint8_t family, uint8_t dscp, bool stale);
/* The socket of a shared port, as engine_bind and engine_bind_again; a second one takes all packets from one that is there still.
 * *room: what may wait in it; less is granted where net.core.rmem_max is in the way. */
int engine_bind_shared(const struct addr *local, uint8_t dscp, bool again, int *fd,
		       struct engine_room *room) NODISCARD;
/* False when the ring of the flow's worker is full: the caller keeps the command and tries again. On success the fds belong to the worker, and a
 * sound's reference to the engine. A job with a call is opened after the call has its worker (a flow, or engine_worker_for); one without is
 * opened on each worker, so that any flow can hear it. */
bool engine_command(struct engine *e, const struct media_command *command);
/* Notes what was commanded until now; engine_is_past_mark: the workers have carried out all of it, so that flows are open. */
void engine_mark(struct engine *e);
bool engine_is_past_mark(const struct engine *e);
/*
 * An open flow goes to the worker of its home (flow_spec_home), to be as spec says there: so flows of two workers become peers. Its keys, its transport and
 * its own sockets are those that it has. Its stream goes on, and its sockets miss nothing meanwhile; a bundle's owner goes before
 * the others. 0: MEDIA_FLOW_MOVED follows, or MEDIA_FLOW_FAILED where it could not be opened there; until then engine_command takes
 * nothing for this slot. -EALREADY: it is there, an update will do. -EAGAIN: ask again, a ring is full or it moves. -ENOMEM.
 * A flow on a shared port goes to that of the other worker, which local_rtp names, with other credentials: nobody is sent to there before
 * a check came. One that stays is MEDIA_FLOW_MOVED with its error.
 */
int engine_move(struct engine *e, const struct flow_spec *spec) NODISCARD;
/* Single-port mode: this bound socket is that of the worker on this network (below shared_ports). Once, before any flow with shared_port
 * is opened; it belongs to the worker from now on. Its address and port are what local_rtp of such flows must be, so an SDP needs
 * engine_worker_for first. A socket that cannot be used is MEDIA_FLOW_FAILED of no flow (generation 0). False: the ring is full. */
bool engine_shared_port(struct engine *e, uint32_t worker, uint32_t network, int fd);
/* The worker that has the call, or will have it: chosen by load, and kept until engine_worker_release also while the call has no
 * flow. For an SDP that must name what is the worker's own; else the first OPEN chooses. */
uint8_t engine_worker_for(struct engine *e, uint64_t call);
/* The same after a restart: the call is to be on this worker, whose port its SDP names. False: there is no such worker, or it is on
 * another one by now. */
bool engine_worker_keep(struct engine *e, uint64_t call, uint32_t worker) NODISCARD;
/* The call needs no worker but for the flows that it has: those keep theirs. Nothing where it was not asked for. */
void engine_worker_release(struct engine *e, uint64_t call);
/* Becomes readable when events wait; drain with engine_events, then call engine_events_wait before sleeping. */
int engine_event_fd(const struct engine *e);
uint32_t engine_events(struct engine *e, struct media_event *out, uint32_t max);
bool engine_events_wait(struct engine *e); /* false: more came, drain again */
/* Begins, changes or ends what is watched (media/capture.h). False: a worker's ring is full; the caller asks again. */
bool engine_watch(struct engine *e, const struct capture_order *order);
typedef void engine_captured_fn(const struct capture_packet *packet, void *arg);
/* Any one thread: up to max packets of watched flows, each valid during the call; in order within a call. How many there were. Nothing tells
 * that some wait: ask every few milliseconds while anything is watched. */
uint32_t engine_captured(struct engine *e, uint32_t max, engine_captured_fn *fn, void *arg);
typedef void engine_tapped_fn(const struct tap_packet *packet, void *arg);
/* One thread for each reader: the same of flows that it has a tap on (media/tap.h); of a call in order while its flows stay on their worker. */
uint32_t engine_tapped(struct engine *e, enum tap_reader reader, uint32_t max, engine_tapped_fn *fn,
		       void *arg);
/* Counters of the host that are about media; now and then, for it reads files of the kernel. */
void engine_host_metrics(struct engine *e);

#endif
