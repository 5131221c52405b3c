using MeshLite.Processes;

namespace MeshLite.Bench.Pairs;

/// <summary>
/// nginx on both ends, mutual TLS 1.3 on kept connections between them: HTTP/1.1, since it does not speak HTTP/2
/// upstream; for gRPC HTTP/2, one call at a time on a connection.
/// </summary>
internal sealed class NginxPair(BenchEnvironment environment) : IProxyPair
{
    private ManagedProcess[] _proxies = [];

    public string Name => "nginx";

    public string Description => "HTTP/1.1 over mTLS, 1 worker each";

    public string? Missing => BenchEnvironment.HasProgram("nginx") ? null : "nginx is not installed";

    public async Task<PairEntries> StartAsync(Backends backends)
    {
        var tls = environment.Certificates;
        var (outbound, outboundGrpc, inbound, inboundGrpc) = (Loopback.FreePort(), Loopback.FreePort(), Loopback.FreePort(), Loopback.FreePort());
        var server = $"""
                ssl_protocols TLSv1.3;
                ssl_certificate {tls.CertificateFile("inbound")};
                ssl_certificate_key {tls.KeyFile("inbound")};
                ssl_client_certificate {tls.CaFile};
                ssl_verify_client on;
            """;
        var second = await Nginx.StartAsync(
            environment,
            "nginx-inbound",
            $$"""
              upstream backend { server {{backends.Http.Authority}}; keepalive 1024; keepalive_requests 100000000; }
              upstream grpc { server {{backends.Grpc.Authority}}; keepalive 1024; keepalive_requests 100000000; }
              server {
                listen 127.0.0.1:{{inbound}} ssl;
            {{server}}
                location / { {{Http("proxy_pass http://backend")}} }
              }
              server {
                listen 127.0.0.1:{{inboundGrpc}} ssl http2;
            {{server}}
                location / { grpc_pass grpc://grpc; grpc_set_header Host $host; }
              }
            """,
            inbound,
            inboundGrpc);
        var first = await Nginx.StartAsync(
            environment,
            "nginx-outbound",
            $$"""
              upstream inbound { server 127.0.0.1:{{inbound}}; keepalive 1024; keepalive_requests 100000000; }
              upstream inbound_grpc { server 127.0.0.1:{{inboundGrpc}}; keepalive 1024; keepalive_requests 100000000; }
              server {
                listen 127.0.0.1:{{outbound}};
                location / {
                  {{Http("proxy_pass https://inbound")}}
            {{Client("proxy")}}
                }
              }
              server {
                listen 127.0.0.1:{{outboundGrpc}} http2;
                location / {
                  grpc_pass grpcs://inbound_grpc;
                  grpc_set_header Host $host;
            {{Client("grpc")}}
                }
              }
            """,
            outbound,
            outboundGrpc);
        _proxies = [first, second];
        return new(new(new($"http://127.0.0.1:{outbound}/"), "backend", _proxies), new(new($"http://127.0.0.1:{outboundGrpc}/"), "backend", _proxies));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var proxy in _proxies)
        {
            await proxy.DisposeAsync();
        }
    }

    private static string Http(string pass) => $"""{pass}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;""";

    private string Client(string module) => $"""
                  {module}_ssl_protocols TLSv1.3;
                  {module}_ssl_certificate {environment.Certificates.CertificateFile("outbound")};
                  {module}_ssl_certificate_key {environment.Certificates.KeyFile("outbound")};
                  {module}_ssl_trusted_certificate {environment.Certificates.CaFile};
                  {module}_ssl_verify on;
                  {module}_ssl_name inbound;
        """;
}
