/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/port/port_mark.h"

#include <netinet/in.h>
#include <string.h>

void port_mark(struct port_mark *m, const struct pkt *p, uint8_t dscp)
{
	bool v6 = p->to->family == ADDR_V6;
	int tos = dscp << 2;

	m->data = (struct iovec){ .iov_base = p->data, .iov_len = p->length };
	m->control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(tos)),
					    .cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP,
					    .cmsg_type = v6 ? IPV6_TCLASS : IP_TOS };
	memcpy(CMSG_DATA(&m->control.head), &tos, sizeof(tos));
	m->message = (struct msghdr){ .msg_name = &m->to,
				      .msg_namelen = addr_to_sockaddr(p->to, &m->to),
				      .msg_iov = &m->data,
				      .msg_iovlen = 1,
				      .msg_control = &m->control,
				      .msg_controllen = CMSG_SPACE(sizeof(tos)) };
}
