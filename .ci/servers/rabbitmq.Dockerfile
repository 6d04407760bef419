# RabbitMQ 4.0 of Debian 13, in place of rabbitmq:4-management where that cannot be pulled.
FROM debian:bookworm-slim
RUN rm -f /etc/apt/sources.list.d/* && echo 'deb http://deb.debian.org/debian trixie main' >/etc/apt/sources.list \
 && apt-get update && apt-get install -y --no-install-recommends rabbitmq-server && rm -rf /var/lib/apt/lists/* \
 && echo '[rabbitmq_management].' >/etc/rabbitmq/enabled_plugins && echo 'loopback_users = none' >/etc/rabbitmq/rabbitmq.conf
USER rabbitmq
ENV RABBITMQ_NODENAME=rabbit@localhost HOME=/var/lib/rabbitmq
VOLUME /var/lib/rabbitmq
EXPOSE 5672 15672
CMD ["rabbitmq-server"]
