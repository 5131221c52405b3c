using MeshLite.Demo.Claims;
using Spectre.Console;

namespace MeshLite.Demo.Output;

/// <summary>A spinner, and a table at the end.</summary>
internal sealed class TerminalOutput : IDemoOutput
{
    public Task<T> DuringAsync<T>(string what, Func<Task<T>> work) => AnsiConsole.Status().StartAsync(Markup.Escape(what), _ => work());

    public void Measured(ClaimResult result) =>
        AnsiConsole.MarkupLine($"{(result.Holds ? "[green]✔[/]" : "[red]✘[/]")} {result.Claim,-19} [grey]{Markup.Escape(result.Summary)}[/]");

    public void Table(IReadOnlyList<(IClaim Claim, ClaimResult Result)> results)
    {
        var table = new Table().AddColumns("claim", "", "says", "measured");
        foreach (var (claim, result) in results)
        {
            table.AddRow(result.Claim, result.Holds ? "[green]holds[/]" : "[red]FAILS[/]", Markup.Escape(claim.Says), Markup.Escape(result.Summary));
        }

        AnsiConsole.Write(table);
    }

    public void Line(string text) => AnsiConsole.WriteLine(text);
}
