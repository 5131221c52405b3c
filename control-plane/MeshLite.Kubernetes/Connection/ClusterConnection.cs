using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace MeshLite.Kubernetes.Connection;

/// <summary>Where the API server is, whom we believe to be it, and what we show it. Immutable, but for files that are read again.</summary>
public sealed class ClusterConnection
{
    /// <summary>Address of the server.</summary>
    public required Uri Server { get; init; }

    /// <summary>Namespace of the context, or of our own pod. <value>Default <c>default</c>.</value></summary>
    public string Namespace { get; init; } = "default";

    /// <summary>Name to expect in the server's certificate; null: the host of <see cref="Server"/>.</summary>
    public string? ServerName { get; init; }

    internal ServerTrust Trust { get; init; } = ServerTrust.System;

    internal X509Certificate2? ClientCertificate { get; init; }

    internal TokenSource Token { get; init; } = new FixedToken(null);

    /// <summary>From the current context of a kubeconfig; throws <see cref="ConnectionException"/> with one clear sentence.</summary>
    /// <param name="path">The file; paths in it are relative to its folder.</param>
    /// <param name="time">Clock for rereading a <c>tokenFile</c>.</param>
    public static ClusterConnection FromKubeconfig(string path, TimeProvider? time = null) => Kubeconfig.Read(path, time ?? TimeProvider.System);

    /// <summary>
    /// From within a pod: service account's token (read again as it rotates), CA, and the server's address in <c>KUBERNETES_SERVICE_HOST</c> and
    /// <c>KUBERNETES_SERVICE_PORT</c>. Throws <see cref="ConnectionException"/> where we are not in a pod.
    /// </summary>
    public static ClusterConnection InCluster(TimeProvider time, string directory = "/var/run/secrets/kubernetes.io/serviceaccount") =>
        InCluster(time, directory, Environment.GetEnvironmentVariable);

    internal static ClusterConnection InCluster(TimeProvider time, string directory, Func<string, string?> environment)
    {
        var host = environment("KUBERNETES_SERVICE_HOST");
        var port = environment("KUBERNETES_SERVICE_PORT");
        if (string.IsNullOrEmpty(host) || string.IsNullOrEmpty(port))
        {
            throw new ConnectionException("not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
        }

        var token = Path.Combine(directory, "token");
        if (!File.Exists(token))
        {
            throw new ConnectionException($"no service account's token at {token}: is automountServiceAccountToken off?");
        }

        var ns = Path.Combine(directory, "namespace");
        return new ClusterConnection
        {
            Server = new Uri($"https://{(IPAddress.TryParse(host, out var ip) && ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{host}]" : host)}:{port}"),
            Namespace = File.Exists(ns) ? File.ReadAllText(ns).Trim() : "default",
            Trust = ServerTrust.File(Path.Combine(directory, "ca.crt")),
            Token = new TokenFile(token, time),
        };
    }

    /// <summary>A handler that talks to the server and to nobody else: no proxy, no redirect, no cookies.</summary>
    internal SocketsHttpHandler CreateHandler(KubernetesClientOptions options)
    {
        var tls = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) => Trust.Accepts(certificate, chain, errors),
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        if (ClientCertificate is not null)
        {
            tls.ClientCertificateContext = SslStreamCertificateContext.Create(ClientCertificate, null, offline: true);
        }

        return new SocketsHttpHandler
        {
            SslOptions = tls,
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            // Watches fill the streams of a connection; the server allows 100.
            EnableMultipleHttp2Connections = true,
            // The only thing that notices a server, or a way to it, that has fallen silent: a watch may be quiet for minutes.
            KeepAlivePingDelay = options.KeepAlivePingDelay,
            KeepAlivePingTimeout = options.KeepAlivePingTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            // A list of pods is megabytes; the default of 64 KiB costs a round trip for each.
            InitialHttp2StreamWindowSize = 1024 * 1024,
        };
    }
}

/// <summary>How to reach the cluster cannot be told; the message is for whoever started the program.</summary>
public sealed class ConnectionException(string message) : Exception(message);
