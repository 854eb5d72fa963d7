"""A gRPC client: watches the service's health, has a slow call and a stream under way, and calls again when it is told to.

    python grpc_client.py ADDRESS

A line on stdin is one more call; its answer, or its status, is a line on stdout.
"""

import sys
import threading

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


def encode(text):
    raw = text.encode()
    return b"\x0a" + bytes([len(raw)]) + raw


def decode(raw):
    return raw[2:].decode()


channel = grpc.insecure_channel(sys.argv[1])
say = channel.unary_unary("/stacks.Echo/Say", request_serializer=encode, response_deserializer=decode)
count = channel.unary_stream("/stacks.Echo/Count", request_serializer=encode, response_deserializer=decode)
health = health_pb2_grpc.HealthStub(channel)


def told(what, run):
    def follow():
        try:
            for line in run():
                print(f"{what} {line}", flush=True)
            print(f"{what} ended", flush=True)
        except grpc.RpcError as error:
            print(f"{what} {error.code().name}: {error.details()}", flush=True)

    thread = threading.Thread(target=follow)
    thread.start()
    return thread


def watched():
    for answer in health.Watch(health_pb2.HealthCheckRequest(service="stacks.Echo")):
        yield health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


at_work = [
    told("health", watched),
    told("slow", lambda: [say("slow")]),
    told("count", lambda: count("")),
]
for line in sys.stdin:
    if line.strip() == "end":
        break
    told("call", lambda: [say(line.strip())]).join()
for thread in at_work:
    thread.join()
