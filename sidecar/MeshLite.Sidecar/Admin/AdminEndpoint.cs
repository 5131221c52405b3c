using System.Text.Json;
using MeshLite.Hosting;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Identity;
using MeshLite.Sidecar.Lifecycle;
using MeshLite.Sidecar.Listeners;

namespace MeshLite.Sidecar.Admin;

/// <summary>
/// The operators' view (design.md §7), JSON on loopback: <c>GET /config</c> (resources in force with versions),
/// <c>/clusters</c> (endpoints and their load), <c>/certs</c>, <c>/stats</c>, <c>GET|PUT /logging</c>,
/// <c>POST /drain</c>. Every field is described in <c>sidecar/ADMIN.md</c>, which a test holds to it. Never a key or token.
/// Runs on request threads, reads immutable state.
/// </summary>
internal sealed class AdminEndpoint(
    MeshState mesh, ResourceCache resources, ConfigStream stream, WorkloadIdentity identity,
    ConnectionTracker connections, PlaintextCallers plaintext, Draining draining, LogLevels levels, TimeProvider time)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>A <see cref="RequestDelegate"/>.</summary>
    public Task HandleAsync(HttpContext context) => (context.Request.Method, context.Request.Path.Value) switch
    {
        ("GET", "/config") => WriteConfigAsync(context),
        ("GET", "/clusters") => WriteAsync(context, Clusters()),
        ("GET", "/certs") => WriteAsync(context, Certificates()),
        ("GET", "/stats") => WriteAsync(context, Stats()),
        ("GET", "/logging") => WriteAsync(context, Logging()),
        ("PUT", "/logging") => SetLoggingAsync(context),
        ("POST", "/drain") => DrainAsync(context),
        _ => FailAsync(context, StatusCodes.Status404NotFound, "here are: GET /config /clusters /certs /stats /logging, PUT /logging, POST /drain"),
    };

    private Task WriteConfigAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(resources.ToJson());
    }

    private object Clusters() => mesh.Destinations.OrderBy(d => d.Config.Authority, StringComparer.Ordinal).Select(destination => new
    {
        destination.Config.Authority,
        Kind = destination.Kind.ToString(),
        Service = destination.Service.ToString(),
        Backends = destination.Backends.Select(backend => new
        {
            backend.Name,
            LoadBalancer = backend.Config.Policy.LoadBalancer.Type.ToString(),
            Circuit = backend.Pool.State.Circuit?.State.ToString(),
            RetryTokens = backend.Pool.State.Budget.Tokens,
            InUse = backend.Pool.State.Concurrency.InUse,
            Queued = backend.Pool.State.Concurrency.Queued,
            Endpoints = backend.Endpoints.Select(endpoint => new
            {
                Address = endpoint.Config.Address.ToString(),
                Identity = endpoint.Config.Identity?.ToString(),
                endpoint.Config.Workload,
                endpoint.Config.Labels,
                endpoint.Weight,
                Health = endpoint.Health.State.ToString(),
                endpoint.Health.ProbeFrom,
                InFlight = endpoint.Load.InFlight,
                EwmaMs = endpoint.Load.Estimate(time.GetTimestamp()).TotalMilliseconds,
            }),
        }),
    });

    private object Certificates() => identity.Current is { } current
        ? new
        {
            Identity = current.Id.ToString(),
            current.NotBefore,
            current.NotAfter,
            current.RenewAt,
            TrustBundle = current.Bundle.Roots.Select(root => new { root.Subject, root.Thumbprint, root.NotAfter }),
        }
        : new { Problem = identity.Problem };

    private object Stats() => new
    {
        Connections = connections.Count,
        connections.Draining,
        ControlPlaneConnected = stream.Connected,
        ConfigRejected = stream.Rejected,
        Destinations = mesh.Destinations.Count(),
        Mtls = mesh.Workload?.Mtls.ToString(),
        PlaintextCallers = plaintext.Newest.Select(caller => new { Address = caller.Address.ToString(), caller.Connections, caller.Refused, caller.Last }),
    };

    private object Logging() => new { Default = levels.Default.ToString(), ByCategory = levels.ByCategory.ToDictionary(e => e.Key, e => e.Value.ToString()) };

    // {"level": "Debug"} or {"category": "MeshLite.Sidecar.Config", "level": "Debug"}; a category without level has none of its own again
    private async Task SetLoggingAsync(HttpContext context)
    {
        LoggingChange? change;
        try
        {
            change = await JsonSerializer.DeserializeAsync<LoggingChange>(context.Request.Body, Json, context.RequestAborted);
        }
        catch (JsonException e)
        {
            await FailAsync(context, StatusCodes.Status400BadRequest, $"not JSON: {e.Message}");
            return;
        }

        if (change is { Category.Length: > 0, Level: null })
        {
            levels.Set(change.Category, null);
            await WriteAsync(context, Logging());
            return;
        }

        if (!Enum.TryParse<LogLevel>(change?.Level, ignoreCase: true, out var level) || !Enum.IsDefined(level))
        {
            await FailAsync(context, StatusCodes.Status400BadRequest, "level: one of Trace, Debug, Information, Warning, Error, Critical, None");
            return;
        }

        if (change!.Category is { Length: > 0 } category)
        {
            levels.Set(category, level);
        }
        else
        {
            levels.Set(level);
        }

        await WriteAsync(context, Logging());
    }

    private async Task DrainAsync(HttpContext context)
    {
        await draining.DrainAsync();
        await WriteAsync(context, new { Drained = true, ConnectionsLeft = connections.Count });
    }

    private static Task WriteAsync(HttpContext context, object value)
    {
        context.Response.ContentType = "application/json";
        return JsonSerializer.SerializeAsync(context.Response.Body, value, Json, context.RequestAborted);
    }

    private static Task FailAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        return WriteAsync(context, new { Error = message });
    }

    private sealed record LoggingChange(string? Category, string? Level);
}
