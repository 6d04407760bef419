# SecantusDB, which does what MongoDB 8 does nearly always, in place of mongo:8 where that cannot be pulled.
# Its build context is a folder with its packages, for the Python 3.11 of this Debian.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/* && mkdir /data && chown 1000:1000 /data
COPY . /usr/local/lib/secantusdb
ENV PYTHONPATH=/usr/local/lib/secantusdb PYTHONUNBUFFERED=1
USER 1000:1000
VOLUME /data
EXPOSE 27017
ENTRYPOINT ["python3", "/usr/local/lib/secantusdb/bin/secantusd-py"]
CMD ["--standalone", "--host", "0.0.0.0", "--port", "27017", "--storage-path", "/data", "--log-level", "WARNING"]
