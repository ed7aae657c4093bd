/* SPDX-License-Identifier: Apache-2.0 */
/* The interface of the media workers for app/. Control thread only, unless noted otherwise. */
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
	/* Threads, 1 to 16; all flows of a call are on one: the least loaded one at its first
	 * flow. */
	uint32_t workers;
	uint32_t slots;    /* flow slots over all networks (pairs of ports) */
	uint32_t jobs;     /* job slots (media/job.h) */
	uint32_t commands; /* ring capacities, of each worker */
	/* Shared sockets of each worker: one per network, at most 16; 0: no single-port mode. */
	uint32_t shared_ports;
	uint32_t events;
	/* How long a packet may wait to share a system call with others; 0: the default, 1000. */
	uint32_t batch_wait_us;
	/* How transcoders work (engine/worker/transcoder.h); 0: the default. */
	uint32_t coding;
	enum engine_port port;
	/* ENGINE_PORT_DPDK (engine/port/port_dpdk.h); valid until engine_open returns, which fills
	 * in worker, workers and count. */
	const struct port_dpdk_settings *dpdk;
	/* ENGINE_PORT_XDP (engine/port/port_xdp.h); needed until engine_open returns. */
	const struct port_xdp_network *xdp_networks;
	uint32_t xdp_network_count;
	/* By which addresses others know ours (1:1 NAT); needed until engine_open returns. */
	const struct own_name *names;
	uint32_t name_count;
	/* Our DTLS-SRTP identity (engine/dtls/certificate.h), valid until engine_open returns.
	 * NULL: no flow has a dtls.role. */
	const struct certificate *certificate;
	/* By flow_spec.place; it outlives the engine. NULL: no fencing. */
	struct validity *validity;
	/* ENGINE_PORT_XDP: of the SIP ports (engine/port/xdp_guard.h), or NULL. */
	const struct xdp_guard *guard;
	enum engine_forward xdp_forward; /* ENGINE_PORT_XDP */
	uint64_t xdp_forward_alive_ns;   /* so long after the last sign of life of a worker */
	/* ENGINE_PORT_XDP: engine_remains of the process before, valid until engine_open returns.
	 * Descriptors that are taken become -1. May be NULL. */
	struct remains *left;
	uint32_t kept_version; /* filled in */
};

/* Of a receive buffer: octets of packets, as SO_RCVBUF counts. */
struct engine_room {
	uint32_t asked, granted;
};

/* Starts the workers. Returns 0 or -errno (-ENOSYS: io_uring was asked for and is not allowed; the
 * log has the remedy). */
int engine_open(struct engine **out, const struct engine_settings *settings) NODISCARD;
/* What continues in the kernel while another process holds duplicates, for our successor. The
 * descriptors belong to the caller. */
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
/* The same in the first seconds of a process: also beside sockets of a killed process of the same
 * user, as the kernel may not have freed their ports yet. */
int engine_bind_again(const struct addr *rtp, const struct addr *rtcp, uint8_t dscp, int *rtp_fd,
		      int *rtcp_fd) NODISCARD;
/* The same of an address that is not this machine's yet. */
int engine_prebind(const struct addr *rtp, const struct addr *rtcp, uint8_t dscp, int *rtp_fd,
		   int *rtcp_fd) NODISCARD;
/* Makes sockets bound by a dead process like new ones: not connected to a party. Packets received
 * meanwhile wait in them; stale: they are dropped. rtcp_fd may be -1. */
void engine_bound_before(int rtp_fd, int rtcp_fd, uint8_t family, uint8_t dscp, bool stale);
/* The socket of a shared port, as engine_bind and engine_bind_again; it takes over all packets from
 * an older one. *room: its receive buffer; net.core.rmem_max may limit it. */
int engine_bind_shared(const struct addr *local, uint8_t dscp, bool again, int *fd,
		       struct engine_room *room) NODISCARD;
/* False if the ring of the flow's worker is full: the caller retries. On success the worker owns
 * the fds, and the engine a sound's reference. A job with a call is opened after the call has a
 * worker (by a flow, or engine_worker_for); one without is opened on each worker, so that any flow
 * can hear it. */
bool engine_command(struct engine *e, const struct media_command *command);
/* Marks the commands so far; engine_is_past_mark: all of them are done, so flows are open. */
void engine_mark(struct engine *e);
bool engine_is_past_mark(const struct engine *e);
/* Moves an open flow to the worker of its home (flow_spec_home), to continue as spec says: so flows
 * of two workers can become peers. Keys, transport and own sockets stay. Its stream goes on without
 * loss; a bundle's owner goes before the others. Returns 0: MEDIA_FLOW_MOVED follows, or
 * MEDIA_FLOW_FAILED if it could not be opened there; until then engine_command accepts nothing for
 * the slot. -EALREADY: it is there, an update will do. -EAGAIN: retry, a ring is full or it is
 * moving. -ENOMEM. A flow on a shared port moves to that of the other worker, which local_rtp
 * names, with new credentials: nothing is sent before a check arrived there. A flow that stays is
 * MEDIA_FLOW_MOVED with its error. */
int engine_move(struct engine *e, const struct flow_spec *spec) NODISCARD;
/* Single-port mode: gives the worker this bound socket for the network (below shared_ports). Once,
 * before a flow with shared_port is opened; the worker owns it from now on. local_rtp of such flows
 * must be its address and port, so an SDP needs engine_worker_for first. An unusable socket is
 * reported as MEDIA_FLOW_FAILED without a flow (generation 0). False: the ring is full. */
bool engine_shared_port(struct engine *e, uint32_t worker, uint32_t network, int fd);
/* The worker of the call, or the one it will have: chosen by load, and kept until
 * engine_worker_release even without a flow. For an SDP that must name something of the worker;
 * otherwise the first OPEN chooses. */
uint8_t engine_worker_for(struct engine *e, uint64_t call);
/* The same after a restart: assigns the call to the worker with the port in its SDP. False: no such
 * worker, or it is on another one already. */
bool engine_worker_keep(struct engine *e, uint64_t call, uint32_t worker) NODISCARD;
/* Ends engine_worker_for: the call stays on its worker only as long as it has flows there. */
void engine_worker_release(struct engine *e, uint64_t call);
/* Becomes readable when events wait: drain by engine_events, then engine_events_wait before
 * sleep. */
int engine_event_fd(const struct engine *e);
uint32_t engine_events(struct engine *e, struct media_event *out, uint32_t max);
bool engine_events_wait(struct engine *e); /* false: more came, drain again */
/* Begins, changes or ends watching (media/capture.h). False: a worker's ring is full; retry. */
bool engine_watch(struct engine *e, const struct capture_order *order);
typedef void engine_captured_fn(const struct capture_packet *packet, void *arg);
/* Any one thread: up to max packets of watched flows, each valid during the call; in order within a
 * call. Returns their number. Nothing signals that packets wait: poll every few milliseconds while
 * a flow is watched. */
uint32_t engine_captured(struct engine *e, uint32_t max, engine_captured_fn *fn, void *arg);
typedef void engine_tapped_fn(const struct tap_packet *packet, void *arg);
/* One thread per reader: the same for flows it has a tap on (media/tap.h); in order within a call
 * while its flows stay on their worker. */
uint32_t engine_tapped(struct engine *e, enum tap_reader reader, uint32_t max, engine_tapped_fn *fn,
		       void *arg);
/* Counters of the host that are about media; now and then, for it reads files of the kernel. */
void engine_host_metrics(struct engine *e);

#endif
