/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that phones and carriers reach. */
#include "app/settings/settings_schema.h"

const struct conf_field g_network_fields[] = {
	{ .key = "name",
	  TEXT(settings_network, name),
	  .required = true,
	  .at_start = true,
	  .help = "Name of the network, for logs." },
	{ .key = "bind",
	  ADDRESS(settings_network, bind),
	  .required = true,
	  .at_start = true,
	  .help = "Address of this machine for SIP and media. No wildcard: list one network per "
		  "address." },
	{ .key = "advertise",
	  ADDRESS(settings_network, advertise),
	  .at_start = true,
	  .help = "Address that SIP and SDP name, behind 1:1 NAT; without it, bind." },
	{ .key = "shard",
	  U32(settings_network, shard, 0, 65535),
	  .preset = "0",
	  .at_start = true,
	  .help = "The shard of this node that takes new calls which come to this network; 0: any "
		  "of them. With floating it may be a shard of any node of the cluster." },
	{ .key = "floating",
	  FLAG(settings_network, floating),
	  .preset = "false",
	  .at_start = true,
	  .help = "The address is that of shard, and moves with it: all nodes of the cluster have "
		  "the network in their files, and the one that runs the shard listens there. "
		  "When that node is gone, another one takes the shard, its calls and its "
		  "address." },
	{ .key = "sip_ports",
	  U32S(settings_network, sip_ports, sip_port_count, 1, 65535),
	  .at_start = true,
	  .preset = "5060, 10060",
	  .help = "UDP ports for SIP. A request of more than 1300 octets stays on UDP, too, "
		  "whatever RFC "
		  "3261 18.1.1 says: over TCP no phone behind a NAT would hear it." },
	{ .key = "sip_tcp_ports",
	  U32S(settings_network, sip_tcp_ports, sip_tcp_port_count, 1, 65535),
	  .at_start = true,
	  .help = "TCP ports for SIP. Without it: the numbers of sip_ports; []: none." },
	{ .key = "sip_tls_ports",
	  U32S(settings_network, sip_tls_ports, sip_tls_port_count, 1, 65535),
	  .at_start = true,
	  .help = "TCP ports for SIP over TLS; they are opened when there is a certificate (see "
		  "tls). Without it: 5061, but none where sip_ports is given." },
	{ .key = "media_ports",
	  .type = CONF_RANGE,
	  FIELD(settings_network, media_ports),
	  .min = 1024,
	  .max = 65535,
	  .preset = "12000-31999",
	  .at_start = true,
	  .help = "UDP ports for RTP and RTCP; an audio call takes four. Keep them out of the "
		  "ephemeral range of the machine." },
	{ .key = "webrtc_port",
	  U32(settings_network, webrtc_port, 0, 65535),
	  .preset = "0",
	  .at_start = true,
	  .help = "UDP port for all media of browsers, outside of media_ports; with several of "
		  "media.workers the next ones have the next ports. A firewall then needs no "
		  "range open for browsers, but calls still count as if they had ports in "
		  "media_ports. Its receive buffer asks for 4 MiB: let sysctl net.core.rmem_max "
		  "allow it. 0: each call has ports of its own. Not with media.port: dpdk. After a "
		  "change, or with fewer workers, calls of browsers do not outlive the restart." },
	{ .key = "allow",
	  TEXTS(settings_network, allow, allow_count),
	  .at_start = true,
	  .help = "Special addresses to which the node may send SIP and media where a trusted "
		  "peer, "
		  "or an extension with media_address sdp, names them: loopback, link_local, own "
		  "(other programs at the addresses of this node). Without it: none. A network "
		  "whose bind is such an address allows it." },
	{ .key = "interface",
	  TEXT(settings_network, interface),
	  .at_start = true,
	  .help = "Name of the Ethernet interface that media of this network crosses. A floating "
		  "address is added there; without it, to the interface in whose network the "
		  "address is, else to that of cluster.listen. With media.port: xdp "
		  "packets of media are taken there, past the firewall of the machine. "
		  "For an address on a VLAN, the interface below it. Without it the network's "
		  "media goes by the kernel's sockets. Each of media.workers has at most 64 "
		  "receive queues over all interfaces (ethtool -L); of more than eight each holds "
		  "fewer packets." },
	{ .key = "tenant",
	  TEXT(settings_network, tenant),
	  .at_start = true,
	  .help = "Name of the tenant whose phones and trunks alone come to the SIP ports of this "
		  "network. Without it the domain says whose a request is: that of To in "
		  "REGISTER, else the caller's, or the called one where the caller's is no "
		  "tenant's. At the port for browsers (http.sip) the domain says it always." },
	{ .key = NULL },
};
