using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Hosting;

/// <summary>
/// The named listeners of one Kestrel server: which listener a request came by, and, once the server has started, where each
/// listens. Filled while the server is configured, read-only after.
/// </summary>
public sealed class ListenerSet
{
    private readonly List<(string Name, ListenOptions Options)> _listeners = [];

    /// <summary>Adds a listener; <paramref name="configure"/> sets protocols, TLS and connection middleware.</summary>
    public void Add(KestrelServerOptions server, string name, IPEndPoint endPoint, Action<ListenOptions> configure) =>
        server.Listen(endPoint, options =>
        {
            var feature = new ListenerName(name);
            options.Use(next => connection =>
            {
                connection.Features.Set(feature);
                return next(connection);
            });
            configure(options);
            _listeners.Add((name, options));
        });

    /// <summary>Where a listener listens: after start, with the port that was picked.</summary>
    public IPEndPoint AddressOf(string name) => _listeners.Single(l => l.Name == name).Options.IPEndPoint!;

    /// <summary>Announces every listener, in the order added.</summary>
    public void Announce()
    {
        foreach (var (name, options) in _listeners)
        {
            Hosting.Announce.Listening(name, options.IPEndPoint!);
        }
    }

    /// <summary>The listener a request (or connection) came by; null if by none of a set.</summary>
    public static string? NameOf(HttpContext context) => context.Features.Get<ListenerName>()?.Value;

    /// <summary>As above, for a connection.</summary>
    public static string? NameOf(BaseConnectionContext connection) => connection.Features.Get<ListenerName>()?.Value;

    private sealed record ListenerName(string Value);
}
