using MeshLite.Processes;

namespace MeshLite.Bench.Pairs;

/// <summary>nginx on both ends, HTTP/1.1 over mutual TLS 1.3 on kept connections between them (it does not speak HTTP/2 upstream).</summary>
internal sealed class NginxPair(BenchEnvironment environment) : IProxyPair
{
    public string Name => "nginx";

    public string Description => "HTTP/1.1 over mTLS, 1 worker each";

    public string? Missing => BenchEnvironment.HasProgram("nginx") ? null : "nginx is not installed";

    public IReadOnlyList<ManagedProcess> Proxies { get; private set; } = [];

    public async Task<Uri> StartAsync(Uri backend)
    {
        var tls = environment.Certificates;
        var (outboundPort, inboundPort) = (Loopback.FreePort(), Loopback.FreePort());
        var inbound = await Nginx.StartAsync(environment, "nginx-inbound", inboundPort, $$"""
              upstream backend { server {{backend.Authority}}; keepalive 64; keepalive_requests 100000000; }
              server {
                listen 127.0.0.1:{{inboundPort}} ssl;
                ssl_protocols TLSv1.3;
                ssl_certificate {{tls.CertificateFile("inbound")}};
                ssl_certificate_key {{tls.KeyFile("inbound")}};
                ssl_client_certificate {{tls.CaFile}};
                ssl_verify_client on;
                location / {
                  proxy_pass http://backend;
                  proxy_http_version 1.1;
                  proxy_set_header Connection "";
                  proxy_set_header Host $host;
                }
              }
            """);
        var outbound = await Nginx.StartAsync(environment, "nginx-outbound", outboundPort, $$"""
              upstream inbound { server 127.0.0.1:{{inboundPort}}; keepalive 64; keepalive_requests 100000000; }
              server {
                listen 127.0.0.1:{{outboundPort}};
                location / {
                  proxy_pass https://inbound;
                  proxy_http_version 1.1;
                  proxy_set_header Connection "";
                  proxy_set_header Host $host;
                  proxy_ssl_protocols TLSv1.3;
                  proxy_ssl_certificate {{tls.CertificateFile("outbound")}};
                  proxy_ssl_certificate_key {{tls.KeyFile("outbound")}};
                  proxy_ssl_trusted_certificate {{tls.CaFile}};
                  proxy_ssl_verify on;
                  proxy_ssl_name inbound;
                }
              }
            """);
        Proxies = [outbound, inbound];
        return new Uri($"http://127.0.0.1:{outboundPort}/");
    }
}
